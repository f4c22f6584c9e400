"""What each backend does to the result: masks and maps on real slices against plain segment-anything in float32.

    python Testing/benchmarks/effect_table.py [--checkpoint FILE]

writes Resources/benchmarks/effects.md. Needs the scans of ../shared/data. Without a checkpoint the weights are random.
Nothing may become a default that moves a mask by more than 0.5 % Dice or a map's rank correlation below 0.99.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.stats import spearmanr

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "MedXAI")]

import subjects
import torch

from medxai.encoding.backends.base import Backend
from medxai.encoding.backends.exact import EXACT
from medxai.encoding.backends.preview import PREVIEW
from medxai.encoding.encoding import encode
from medxai.encoding.feature_extraction import EncoderOutput, run_own_forward
from medxai.encoding.features import LayerFeatures, repair_artefacts, whitened
from medxai.encoding.kernels.exact_vit import exact_pass
from medxai.explainers.three_stage.stages import explain
from medxai.model_input.grey import grey_range_of, grey_slice
from medxai.results import Explanation
from medxai.segmentation.segmenting import segment
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import slice_of
from medxai.volume.reading import read_volume

DATA = ROOT.parent / "shared" / "data"
OUTPUT = ROOT / "Resources" / "benchmarks" / "effects.md"
#: Scan, label of an organ: each on the slice where it is largest, boxed with two pixels of margin.
CASES = [("ct_abdomen", 5), ("ct_abdomen", 2), ("ct_abdomen", 52), ("mr_abdomen", 5), ("mr_abdomen", 1)]
#: With random weights a mask is empty or full; the brightest tenth of the reference's logits stands in for it.
RANDOM_MASK_SHARE = 0.9


class RoundedProducts:
    """bfloat16 as its instructions compute it: rounded factors and results, sums in float32; slow, for any processor."""

    attention_dtype = None  # queries, keys and values are results of `write`, so they are rounded already

    def _product(self, layer, x):
        rounded = torch.nn.functional.linear(x.bfloat16().float(), layer.weight.bfloat16().float(), layer.bias)
        return rounded.bfloat16().float()

    def write(self, layer, x, out):
        out.copy_(self._product(layer, x))

    def add(self, layer, x, residual):
        residual += self._product(layer, x)


def rounded_pass(encoder, image, layers, control):
    return EncoderOutput(*exact_pass(encoder, image, layers, control, RoundedProducts()))


def ways(model, cache: Path) -> dict[str, Backend]:
    found = {
        "exact": EXACT,
        "fast (bfloat16, emulated)": Backend("rounded", rounded_pass),
        "preview at 512 px": PREVIEW,
    }
    openvino = subjects.choose_backend("openvino", model.sam.image_encoder, model.device, cache)
    return found if openvino.note else {**found, "OpenVINO float32": openvino}


def full_precision(tokens: torch.Tensor, features: LayerFeatures, content: np.ndarray) -> LayerFeatures:
    """The same features without rounding them to float16 for the cache."""
    lit = torch.from_numpy(content).float()
    repaired, _ = repair_artefacts(tokens.float(), lit)
    flat, weight = repaired.flatten(0, 1), lit.reshape(-1, 1)
    white = whitened((flat - (flat * weight).sum(0) / weight.sum()) * (weight > 0), weight)
    return replace(features, unit=white / white.norm(dim=1, keepdim=True).clamp_min(1e-6))


def reference(model, model_input, box) -> Explanation:
    """segment-anything's own forward, its tokens kept in float32."""
    kept = {}

    def run(encoder, image, layers, control):
        output = run_own_forward(encoder, image, layers, control)
        kept.update(output.tokens)
        return output

    encoding = encode(model, model_input, backend=Backend("plain", run))
    layers = tuple(
        full_precision(kept[one.name], one, encoding.frame.content_coverage(one.grid)) for one in encoding.layers
    )
    encoding = replace(encoding, layers=layers)
    return explain(encoding, segment(model, encoding, [box]))[0]


def maps_of(explanation: Explanation) -> dict[str, np.ndarray]:
    """Every map by name, terminal map and interaction too."""
    maps = {f"stage {n}, {layer.layer}": layer.stages[n] for layer in explanation.layers for n in (1, 2, 3)}
    return {**maps, "interaction": explanation.interaction, "terminal": explanation.terminal}


def same_size(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if values.shape == shape:
        return values
    return torch.nn.functional.interpolate(torch.from_numpy(values)[None, None], size=shape, mode="bilinear")[
        0, 0
    ].numpy()


def rank_correlation(found: np.ndarray, expected: np.ndarray) -> float:
    return float(spearmanr(same_size(found, expected.shape).ravel(), expected.ravel()).statistic)


def dice(found: Explanation, expected: Explanation, threshold: Callable[[np.ndarray], float]) -> float:
    level = threshold(expected.terminal)
    a, b = found.terminal > level, expected.terminal > level
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def cases(model):
    for name, label in CASES:
        volume = read_volume(DATA / f"{name}.nii.gz")
        organs = sitk.GetArrayFromImage(sitk.ReadImage(str(DATA / f"{name}_organs.nii.gz"))) == label
        index = int(organs.sum((1, 2)).argmax())
        image = slice_of(volume, "axial", index)
        tight = box_of_mask(organs[index])
        rows, columns = image.shape
        box = replace(
            tight,
            first_column=max(tight.first_column - 2, 0),
            first_row=max(tight.first_row - 2, 0),
            last_column=min(tight.last_column + 2, columns - 1),
            last_row=min(tight.last_row + 2, rows - 1),
        )
        yield model.convention.prepare(grey_slice(image, grey_range_of(volume))), box


def table(checkpoint: Path, is_random: bool, cache: Path) -> str:
    model = subjects.load(checkpoint)
    threshold = partial(np.quantile, q=RANDOM_MASK_SHARE) if is_random else lambda logits: 0.0
    backends = ways(model, cache)
    scores: dict[str, list[tuple[float, dict[str, float]]]] = {way: [] for way in backends}
    for model_input, box in cases(model):
        expected = reference(model, model_input, box)
        for way, backend in backends.items():
            encoding = encode(model, model_input, backend=backend)
            found = explain(encoding, segment(model, encoding, [box]))[0]
            correlations = {
                name: rank_correlation(maps_of(found)[name], values) for name, values in maps_of(expected).items()
            }
            scores[way].append((dice(found, expected, threshold), correlations))
    rows = []
    for way, found in scores.items():
        correlations = [(value, name) for _, by_map in found for name, value in by_map.items()]
        lowest, where = min(correlations)
        least = min(overlap for overlap, _ in found)
        passed = "yes" if least >= 0.995 and lowest >= 0.99 else "no"
        rows.append(
            f"| {way} | {least:.4f} | {np.median([v for v, _ in correlations]):.4f} | {lowest:.4f} ({where}) | {passed} |"
        )
    weights = "random ViT-B weights" if is_random else checkpoint.name
    return TEXT.format(
        date=date.today().isoformat(), weights=weights, rows="\n".join(rows), random=RANDOM if is_random else ""
    )


RANDOM = """
With random weights these numbers show what rounding and shrinking do to the arithmetic of a ViT-B, not what they do to a
trained model's anatomy: give `--checkpoint` with MedSAM's weights for that. The mask is then the model's own; here it is
the brightest tenth of the logits, because an untrained mask is empty or full.
"""

TEXT = """# What each backend does to the result

Made by `python Testing/benchmarks/effect_table.py` on {date}, with {weights}: liver, right kidney and aorta of the CT, liver
and spleen of the MR in the project's real scans, each on its largest slice. Compared with segment-anything's own forward
in float32, its features not rounded for the cache: the smallest Dice of the masks, and Spearman's rank correlation of all
17 maps (three stages at five layers, interaction, terminal), over all cases. Fit as a default: Dice of at least 0.995 and
every correlation at least 0.99.

| way | smallest Dice | median correlation | smallest correlation | fit as a default |
| --- | --- | --- | --- | --- |
{rows}
{random}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit("The scans of ../shared/data are not there; this measurement needs them.")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = arguments.checkpoint or Path(folder) / "random.pth"
        if arguments.checkpoint is None:
            subjects.save_random("vit-b", checkpoint)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(
            table(checkpoint, arguments.checkpoint is None, Path(folder) / "compiled"), encoding="utf-8"
        )
    print(arguments.output)


if __name__ == "__main__":
    main()
