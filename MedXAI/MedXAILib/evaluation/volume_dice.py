"""Box-prompted Dice of a loaded model on a volume with a reference mask.

python -m MedXAILib.evaluation.volume_dice VOLUME REFERENCE --organ 5=liver --organ 1=spleen
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
import torch

from ..encoding import Encoding
from ..errors import InputError, MedXAIError
from ..imaging import (
    PLANE_AXES,
    PixelBox,
    Volume,
    Window,
    grey_range_of,
    read_volume,
    slice_of,
)
from ..models import LoadedModel, load_model
from ..pipeline import prepare_slice
from ..segmenting import segment
from .box_dice import OrganDice, Segment, box_dice, table


def segmenter(
    model: LoadedModel, volume: Volume, plane: str = "axial", window: Window | None = None
) -> Segment:
    """The model's answers on a volume's slices, prepared exactly as MedXAI prepares them."""
    grey_range = grey_range_of(volume, window)

    @torch.inference_mode()
    def answer(index: int, boxes: np.ndarray) -> np.ndarray:
        image = slice_of(volume, plane, index)
        prepared = prepare_slice(volume, image, model.convention, grey_range=grey_range)
        tensor = torch.from_numpy(prepared.model_input.tensor_chw)[None].to(model.device)
        encoding = Encoding(
            model.sam.image_encoder(tensor), (), prepared.model_input.frame, seconds=0.0
        )
        asked = [
            PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1) for x0, y0, x1, y1 in boxes
        ]
        return np.stack([one.mask for one in segment(model, encoding, asked)])

    return answer


def volume_dice(
    model: LoadedModel,
    volume: Volume,
    reference: Volume,
    organs: Mapping[int, str],
    plane: str = "axial",
    window: Window | None = None,
    smallest: int = 100,
    jitter: float = 0.05,
    seed: int = 0,
) -> list[OrganDice]:
    """Mean Dice per organ over the plane's slices, beside filled box and ellipse.

    reference: labels on the volume's own grid. Raises InputError where the grids differ, the plane
    is unknown, or no organ is found on any slice.
    """
    if volume.voxels.shape != reference.voxels.shape or not np.allclose(
        volume.ijk_to_ras_mm, reference.ijk_to_ras_mm, atol=1e-2
    ):
        raise InputError(
            f"'{volume.name}' and its reference '{reference.name}' lie on different grids; "
            "resample the reference to the volume first."
        )
    if plane not in PLANE_AXES:
        raise InputError(f"There is no plane '{plane}'; choose axial, coronal or sagittal.")
    through = 2 - PLANE_AXES[plane][2]
    labels = np.moveaxis(reference.voxels, through, 0)
    return box_dice(
        segmenter(model, volume, plane, window), labels, organs, smallest, jitter, seed
    )


def _organ(text: str) -> tuple[int, str]:
    label, _, name = text.partition("=")
    return int(label), name or label


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m MedXAILib.evaluation.volume_dice", description=__doc__.splitlines()[0])
    parser.add_argument("volume")
    parser.add_argument("reference", help="labels on the volume's grid")
    parser.add_argument("--organ", type=_organ, action="append", required=True, metavar="LABEL=NAME",
                        help="may be repeated")
    parser.add_argument("--model", default="demo", help="registered name or checkpoint file (default: %(default)s)")
    parser.add_argument("--modality", choices=["CT", "MR", "picture"], help="default: guessed")
    parser.add_argument("--plane", default="axial", choices=sorted(PLANE_AXES))
    parser.add_argument("--smallest", type=int, default=100, help="voxels a slice must exceed (default: %(default)s)")
    parser.add_argument("--jitter", type=float, default=0.05, help="share of the box a side may be off, in or out (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    values = parser.parse_args(arguments)
    try:
        rows = volume_dice(
            load_model(values.model),
            read_volume(values.volume, values.modality),
            read_volume(values.reference),
            dict(values.organ),
            plane=values.plane,
            smallest=values.smallest,
            jitter=values.jitter,
            seed=values.seed,
        )
    except MedXAIError as error:
        parser.exit(2, f"{error}\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
