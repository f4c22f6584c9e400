"""What the explanation costs on top of a plain segmentation with ViT-B at 1024 px: time and peak memory.

    python Testing/benchmarks/explanation_cost.py [--rounds N]

Three ways, in turn in one process, so that another program's load hits all: segment-anything alone (encode and decode),
MedXAI through segment-anything's own encoder with hooks (what explaining adds), MedXAI as it is used (its exact fast
encoder). Then the next box on the slice. Peak memory is that of a process of its own for each way. Weights are random:
they cost the same arithmetic as real ones. Writes Resources/benchmarks/explanation_cost.md.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "MedXAI")]

from machine import peak_mb

from medxai.encoding import features
from medxai.encoding.encoding import Encoding, encode
from medxai.encoding.feature_extraction import default_layers, run_own_forward
from medxai.explainers.three_stage.stages import explain
from medxai.model_input.frame import ModelInput
from medxai.models.convention import InputConvention
from medxai.models.families.sam import MedSam
from medxai.models.loading import LoadedModel
from medxai.models.networks.sam_vit import SAM_VIT_B, build_sam_vit
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox

BOXES = [PixelBox(120, 90, 300, 260), PixelBox(60, 200, 150, 330)]
WAYS = ("plain", "own forward", "medxai")


def model_and_input() -> tuple[LoadedModel, ModelInput]:
    torch.manual_seed(0)
    convention = InputConvention(MedSam(), 1024)
    model = LoadedModel(
        "vit-b", "ViT-B", "SAM ViT-B", build_sam_vit(SAM_VIT_B), convention, "random", torch.device("cpu")
    )
    grey = np.random.default_rng(0).integers(0, 255, (512, 512), dtype=np.uint8)
    return model, convention.prepare(grey)


@torch.inference_mode()
def plain(model: LoadedModel, model_input: ModelInput, box: PixelBox) -> None:
    """segment-anything's own modules, as MedSAM_Inference.py calls them."""
    sam = model.sam
    embedding = sam.image_encoder(torch.from_numpy(model_input.tensor_chw)[None])
    corners = torch.from_numpy(model_input.frame.scale_xyxy(box.xyxy)).float()[None]
    sparse, dense = sam.prompt_encoder(points=None, boxes=corners, masks=None)
    logits, _ = sam.mask_decoder(embedding, sam.prompt_encoder.get_dense_pe(), sparse, dense, multimask_output=False)
    torch.nn.functional.interpolate(torch.sigmoid(logits), size=model_input.frame.slice_shape, mode="bilinear")


def medxai(model: LoadedModel, model_input: ModelInput, box: PixelBox, encoding: Encoding | None = None) -> Encoding:
    encoding = encoding or encode(model, model_input)
    explain(encoding, segment(model, encoding, [box]))
    return encoding


@torch.inference_mode()
def own_forward(model: LoadedModel, model_input: ModelInput, box: PixelBox) -> None:
    """MedXAI with segment-anything's own encoder pass, so that only the explanation differs from `plain`."""
    encoder = model.sam.image_encoder
    layers = default_layers(encoder)
    output = run_own_forward(encoder, torch.from_numpy(model_input.tensor_chw)[None], layers)
    content = torch.ones(64, 64)
    found = tuple(features.layer_features(name, tokens, content) for name, tokens in output.tokens.items())
    medxai(model, model_input, box, Encoding(output.embedding, found, model_input.frame, 0.0))


def timed(run, *arguments) -> float:
    start = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - start


def peak_mb_of(way: str) -> float:
    return float(subprocess.check_output([sys.executable, __file__, "--peak", way], text=True).split()[-1])


def print_peak(way: str) -> None:
    model, model_input = model_and_input()
    {"plain": plain, "own forward": own_forward, "medxai": medxai}[way](model, model_input, BOXES[0])
    print(peak_mb())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print_peak(arguments.peak)
        return
    model, model_input = model_and_input()
    rows = []
    for _ in range(arguments.rounds):
        row = {
            "plain": timed(plain, model, model_input, BOXES[0]),
            "own forward": timed(own_forward, model, model_input, BOXES[0]),
        }
        start = time.perf_counter()
        encoding = medxai(model, model_input, BOXES[0])
        row["medxai"] = time.perf_counter() - start
        row["next"] = timed(medxai, model, model_input, BOXES[1], encoding)
        rows.append(row)
        print(row, flush=True)
    memory = {way: peak_mb_of(way) for way in WAYS}
    write(rows, memory)


def write(rows: list[dict[str, float]], memory: dict[str, float]) -> None:
    def of(name: str) -> float:
        return median(row[name] for row in rows)

    def ratio(a: str, b: str) -> float:
        return median(row[a] / row[b] for row in rows)

    text = f"""# What the explanation costs

ViT-B at 1024 px, random weights, {torch.get_num_threads()} threads, PyTorch {torch.__version__}; medians of {len(rows)} rounds, ratios paired
within a round. Made by `python Testing/benchmarks/explanation_cost.py`.

| | seconds | of plain | peak MB | of plain |
| --- | --- | --- | --- | --- |
| plain segment-anything, one box | {of("plain"):.2f} | 1 | {memory["plain"]:.0f} | 1 |
| the encoder's own forward, explained | {of("own forward"):.2f} | {ratio("own forward", "plain"):.3f} | {memory["own forward"]:.0f} | {memory["own forward"] / memory["plain"]:.2f} |
| MedXAI as used, first box | {of("medxai"):.2f} | {ratio("medxai", "plain"):.3f} | {memory["medxai"]:.0f} | {memory["medxai"] / memory["plain"]:.2f} |
| MedXAI, next box on the slice | {of("next"):.2f} | {ratio("next", "plain"):.3f} | | |

The next box takes {ratio("next", "medxai"):.1%} of MedXAI's own first box, explanation included.
"""
    target = ROOT / "Resources" / "benchmarks" / "explanation_cost.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
