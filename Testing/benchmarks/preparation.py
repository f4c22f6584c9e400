"""How interpolation and the box's corners change a model's masks: mean Dice with boxes around reference masks.

    python Testing/benchmarks/preparation.py [--model litemedsam|demo] [--on ct mr made-up] [--every N] [--scenes A B]

prints a table of Resources/docs/preparation.md. Needs the scans of ../shared/data, the model's weights, and medxai and
medxai_lab installed or on PYTHONPATH. Each organ and slice gets one box around the mask itself and two whose sides are
moved by up to 5 % of the box. With --rows FILE every box's Dice is added to a file, and the table is made of all that
is in it, so that the work can be done in parts.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from skimage import transform

from medxai.encoding.encoding import Encoding
from medxai.metrics.box_dice import dice, jittered_box
from medxai.model_input.area_resize import area_resized
from medxai.model_input.cubic_resize import cubic_resized
from medxai.model_input.frame import ModelFrame, ModelInput, widened
from medxai.model_input.grey import grey_range_of, grey_slice
from medxai.model_input.preparing import Resize, cubic, fitted
from medxai.models.convention import InputConvention
from medxai.models.family import ModelFamily
from medxai.models.loading import LoadedModel, load_model
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.labelled_volume import labelled
from medxai.volume.reading import read_volume
from medxai_lab.synthetic.anatomy import random_scene
from medxai_lab.synthetic.samples import make_sample

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ORGANS = {
    "ct": {5: "liver", 1: "spleen", 2: "right kidney", 3: "left kidney", 6: "stomach"},
    "mr": {5: "liver", 1: "spleen", 2: "right kidney", 3: "left kidney"},
}
SIDES_PX = (96, 128, 192)
JITTERS = (0.0, 0.05, 0.05)
SMALLEST_PX = 100


def _cubic(slope: float) -> Resize:
    return lambda grey, shape: cubic_resized(grey, shape, slope)


def _linear(grey: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return transform.resize(grey, shape, order=1, preserve_range=True, anti_aliasing=True).astype(np.uint8)


RESIZES = {
    "area": area_resized,
    "linear": _linear,
    "cubic spline": cubic,
    "cubic −0.75": _cubic(-0.75),
    "cubic −1": _cubic(-1.0),
}
CORNERS = ("cut", "index", "edge", "edge + 2")
STRUCTURES = 6


class Variant(ModelFamily):
    """A model's own family, but for the interpolation and the box's corners."""

    key, title = "variant", "variant"

    def __init__(self, own: ModelFamily, resize: Resize, corners: str):
        self.own, self.resize, self.corners = own, resize, corners
        self.has_mask_prompt, self.interpolates_logits = own.has_mask_prompt, own.interpolates_logits

    def recognises(self, names):
        return False

    def build(self, state):
        raise NotImplementedError

    def mask_prompt(self, sam, boxes_xyxy):
        return self.own.mask_prompt(sam, boxes_xyxy)

    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        if self.own.key == "litemedsam":
            return fitted(grey, size_px, self.resize)
        square = self.resize(grey, (size_px, size_px))
        return replace(fitted(square, size_px), frame=ModelFrame(size_px, (size_px, size_px), grey.shape))

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame, preparation: str = "default") -> np.ndarray:
        """cut: indexes, cut to whole model pixels (LiteMedSAM's authors); index: uncut; edge: the last pixel's far edge; + 2: two model pixels wider."""
        if self.corners == "cut":
            return np.trunc(frame.scale_xyxy(box.xyxy))
        if self.corners == "index":
            return frame.scale_xyxy(box.xyxy)
        return widened(frame.scale_xyxy(box.extent_xyxy), 2.0 if self.corners == "edge + 2" else 0.0, frame)


@dataclass(frozen=True)
class Question:
    """A grey slice and its organs: (organ's name, mask (rows, columns) bool)."""

    group: str
    name: str
    grey: np.ndarray
    masks: tuple[tuple[str, np.ndarray], ...]


def scan_questions(name: str, every: int) -> Iterator[Question]:
    volume = read_volume(DATA / f"{name}_abdomen.nii.gz")
    reference = labelled(volume, read_volume(DATA / f"{name}_abdomen_organs.nii.gz", "picture"))
    grey_range = grey_range_of(volume)
    for index, labels in enumerate(reference.slices("axial")):
        masks = tuple((organ, labels == label) for label, organ in ORGANS[name].items())
        masks = tuple((organ, mask) for organ, mask in masks if mask.sum() > SMALLEST_PX)
        if masks and index % every == 0:
            yield Question(
                f"{name}_abdomen", f"slice {index}", grey_slice(slice_of(volume, "axial", index), grey_range), masks
            )


def made_up_questions(first: int, last: int) -> Iterator[Question]:
    """The same made-up bodies at every resolution."""
    for number in range(first, last + 1):
        scene = random_scene(np.random.default_rng((2024, number)))
        for side in SIDES_PX:
            sample = make_sample(np.random.default_rng((77, number)), scene, side, STRUCTURES)
            if sample is not None:
                grey = np.uint8(np.clip(sample.image.squeeze() * 255, 0, 255))
                masks = {mask.tobytes(): mask for mask in sample.masks}.values()
                yield Question(
                    f"made up, {side} px", f"scene {number}", grey, tuple(("structure", mask) for mask in masks)
                )


def boxes_of(question: Question) -> list[tuple[str, np.ndarray, PixelBox]]:
    rng = np.random.default_rng(0)
    boxes = []
    for organ, mask in question.masks:
        for jitter in JITTERS:
            x0, y0, x1, y1 = jittered_box(rng, mask, jitter)
            boxes.append((organ, mask, PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1)))
    return boxes


@torch.inference_mode()
def scores(model: LoadedModel, question: Question) -> Iterator[tuple[str, str, str, float]]:
    """Interpolation, corners, organ and Dice of every box."""
    boxes = boxes_of(question)
    for name, resize in RESIZES.items():
        encoding = None
        for corners in CORNERS:
            convention = InputConvention(Variant(model.family, resize, corners), model.convention.size_px)
            asked = replace(model, convention=convention)
            if encoding is None:
                model_input = convention.prepare(question.grey)
                tensor = torch.from_numpy(model_input.tensor_chw)[None]
                encoding = Encoding(model.sam.image_encoder(tensor), (), model_input.frame, seconds=0.0)
            found = segment(asked, encoding, [box for _, _, box in boxes])
            for (organ, mask, _), one in zip(boxes, found, strict=True):
                yield name, corners, organ, dice(one.mask, mask)


def measured(model: LoadedModel, questions: Iterator[Question]) -> Iterator[dict[str, str | float]]:
    for question in questions:
        for resize, corners, organ, value in scores(model, question):
            yield {
                "model": model.name,
                "group": question.group,
                "slice": question.name,
                "organ": organ,
                "resize": resize,
                "corners": corners,
                "dice": value,
            }


def table(rows: list[dict[str, str | float]]) -> str:
    """Markdown: for each group of slices the mean over organs, each organ's Dice being the mean over its boxes."""
    ways = [(resize, corners) for resize in RESIZES for corners in CORNERS]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    lines = [f"| interpolation, corners | {' | '.join(groups)} |", "| --- |" + " ---: |" * len(groups)]
    means: dict[tuple[str, str, str], float] = {}
    for group in groups:
        for way in ways:
            by_organ: dict[str, list[float]] = {}
            for row in rows:
                if (row["group"], row["resize"], row["corners"]) == (group, *way):
                    by_organ.setdefault(row["organ"], []).append(row["dice"])
            means[group, *way] = float(np.mean([np.mean(values) for values in by_organ.values()]))
    best = {group: max(means[group, *way] for way in ways) for group in groups}
    for way in ways:
        cells = (means[group, *way] for group in groups)
        shown = (f"**{m:.3f}**" if m == best[g] else f"{m:.3f}" for g, m in zip(groups, cells, strict=True))
        lines.append(f"| {', '.join(way)} | {' | '.join(shown)} |")
    counts = {group: len({row["slice"] for row in rows if row["group"] == group}) for group in groups}
    boxes = {group: sum(row["group"] == group for row in rows) // len(ways) for group in groups}
    lines.append(f"| *slices (boxes)* | {' | '.join(f'{counts[g]} ({boxes[g]})' for g in groups)} |")
    return "\n".join(lines)


def questions_on(name: str, arguments: argparse.Namespace) -> Iterator[Question]:
    return made_up_questions(*arguments.scenes) if name == "made-up" else scan_questions(name, arguments.every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="litemedsam", choices=("litemedsam", "demo"))
    parser.add_argument("--on", nargs="*", default=("ct", "mr", "made-up"), choices=("ct", "mr", "made-up"))
    parser.add_argument("--every", type=int, default=2, help="of the scans, every N-th slice (default: 2)")
    parser.add_argument(
        "--scenes", type=int, nargs=2, default=(0, 19), help="first and last made-up body (default: 0 19)"
    )
    parser.add_argument("--rows", type=Path, help="file that every box's Dice is added to")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    rows = []
    for name in arguments.on:
        for row in measured(model, questions_on(name, arguments)):
            rows.append(row)
            if arguments.rows:
                with arguments.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    if arguments.rows:
        rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    print(table([row for row in rows if row["model"] == arguments.model]))


if __name__ == "__main__":
    main()
