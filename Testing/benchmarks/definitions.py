"""Why the maps are defined as they are: each definition beside baselines that need no learning, on held-out made-up slices.

    python Testing/benchmarks/definitions.py

writes Resources/benchmarks/definitions.md. AUROC in the box grown by a quarter, against the true structure, mean over boxes.
"""

import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "MedXAI"))

import torch

from medxai.encoding.backends.exact import EXACT
from medxai.encoding.feature_extraction import default_layers
from medxai.encoding.features import whitened
from medxai.engine import Engine
from medxai.explainers.random_weights import with_random_weights
from medxai.explainers.three_stage import spatial as geometry
from medxai.explainers.three_stage.parameters import ExplainerParameters
from medxai.metrics.localisation import localisation_metrics
from medxai.models.loading import LoadedModel, load_model
from medxai.request import ExplainRequest
from medxai.results import SliceExplanation
from medxai.slice.box import grown_box
from medxai.volume.volume import Modality, Volume, make_volume
from medxai_lab.synthetic.samples import make_sample
from medxai_lab.synthetic.storage import SceneStore, make_shard

OUTPUT = ROOT / "Resources" / "benchmarks" / "definitions.md"
SLICES, BOXES, SIZE_PX = 60, 2, 256
HELD_OUT_SEED = 9000  # the training's validation collection
LAYERS = ("block 1", "block 4", "neck")
TOKENS_AT_LEAST = (0, 5, 15, 60)


@dataclass(frozen=True)
class Question:
    """One box on one made-up slice, with its answer (rows, columns)."""

    volume: Volume
    box: tuple[float, float, float, float]
    structure: np.ndarray


def questions(folder: Path) -> list[Question]:
    store = SceneStore([make_shard(folder, 0, HELD_OUT_SEED, SLICES)])
    found = []
    for index in range(SLICES):
        sample = make_sample(np.random.default_rng((78, index)), store[index], SIZE_PX, BOXES)
        if sample is None:
            continue
        volume = make_volume(
            f"slice {index}", (sample.image * 255).round().astype(np.uint8)[None], np.eye(4), Modality.PICTURE
        )
        for (x0, y0, x1, y1), structure in zip(np.rint(sample.boxes), sample.masks, strict=True):
            found.append(Question(volume, (x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)), structure))
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def without_itself(features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Each token's cosine with the weighted mean of the others."""
    return (features * unit(weight @ features - weight[:, None] * features)).sum(1)


def definitions(result: SliceExplanation, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """tokens: (h, w, d) of one layer. The maps (h, w) by name, written out as the design page has them."""
    h, w, d = tokens.shape
    parameters, frame, box = ExplainerParameters(), result.encoding.frame, result.box.box
    coverage = geometry.coverage_of(box, frame, (h, w)).ravel()
    ring = geometry.ring_of(box, frame, (h, w), parameters.ring_growth).ravel()
    weighting = geometry.spatial_weight(box, frame, (h, w), parameters).ravel()
    logits = result.explanation.terminal.astype(np.float64)
    probability = (
        (1 / (1 + np.exp(-logits))).reshape(h, logits.shape[0] // h, w, logits.shape[1] // w).mean((1, 3)).ravel()
    )
    flat = tokens.reshape(-1, d)
    towards_mean = unit(flat) @ unit(flat.mean(0))
    centred = flat - flat.mean(0)
    white = whitened(torch.from_numpy(centred), torch.ones(len(flat), 1)).numpy()
    maps = {}
    for name, features, global_weight in (
        ("designed", unit(centred), 0.10),
        ("whitened", unit(white), parameters.global_weight),
    ):
        prompt = features @ unit(result.explanation.interaction.ravel() @ features)
        context = features @ unit(ring @ features)
        stage1 = without_itself(features, coverage)

        def stage3(prototype: np.ndarray, prompt=prompt, context=context, global_weight=global_weight) -> np.ndarray:
            parts = global_weight * towards_mean + parameters.prototype_weight * prototype
            return weighting * np.maximum(
                parts + parameters.prompt_weight * prompt - parameters.context_weight * context, 0
            )

        maps[f"stage 1, {name}"] = stage1
        maps[f"stage 3, {name}"] = stage3(stage1)
        if name == "whitened":
            maps["stage 3, whitened, organ-specific prototype"] = stage3(
                without_itself(features, coverage * probability)
            )
    return {name: values.reshape(h, w).astype(np.float32) for name, values in maps.items()}


def explained(model: LoadedModel, question: Question, engine: Engine) -> tuple[SliceExplanation, dict[str, np.ndarray]]:
    request = ExplainRequest.of_slice(question.volume, "axial", 0, model=model)
    result = engine.explain(request, [question.box])[0]
    encoder = model.sam.image_encoder
    tensor = torch.from_numpy(result.prepared.model_input.tensor_chw)[None]
    output = EXACT.run(encoder, tensor, default_layers(encoder))
    return result, {name: tokens.float().numpy() for name, tokens in output.tokens.items()}


def auroc(result: SliceExplanation, values: np.ndarray, structure: np.ndarray) -> float | None:
    near = grown_box(result.box.box, structure.shape).mask(structure.shape)
    inside = np.ones(structure.shape, bool)
    return localisation_metrics(result.on_slice(values), structure, inside, near).get("auroc_grown_box")


def measured() -> tuple[dict[tuple[str, str], np.ndarray], np.ndarray, np.ndarray]:
    """AUROC of every map by (name, layer), of the Gaussian, and each structure's size in tokens; one entry a box."""
    trained = load_model("demo")
    engine = Engine()
    models = {"": trained, ", random weights": with_random_weights(trained, 0)}
    found, gaussian, tokens = defaultdict(list), [], []
    with tempfile.TemporaryDirectory() as folder:
        asked = questions(Path(folder))
    for question in asked:
        answers = {name: explained(model, question, engine) for name, model in models.items()}
        result = answers[""][0]
        grid = result.encoding.grid
        weighting = geometry.spatial_weight(result.box.box, result.encoding.frame, grid, ExplainerParameters())
        baseline = auroc(result, weighting.astype(np.float32), question.structure)
        if baseline is None:  # the structure fills the grown box
            continue
        gaussian.append(baseline)
        tokens.append(question.structure.sum() / question.structure.size * grid[0] * grid[1])
        for suffix, (answer, layers) in answers.items():
            for layer in LAYERS:
                for name, values in definitions(answer, layers[layer]).items():
                    found[name + suffix, layer].append(auroc(answer, values, question.structure))
    return {key: np.array(values) for key, values in found.items()}, np.array(gaussian), np.array(tokens)


def table(found: dict[tuple[str, str], np.ndarray], gaussian: np.ndarray, tokens: np.ndarray) -> str:
    sizes = list(zip(TOKENS_AT_LEAST, (*TOKENS_AT_LEAST[1:], np.inf), strict=True))
    counts = [int(((tokens >= low) & (tokens < high)).sum()) for low, high in sizes]
    lines = [
        "# Why the maps are defined as they are",
        "",
        f"{len(gaussian)} boxes on {SLICES} held-out made-up slices, demo model; AUROC in the box grown by a quarter, mean ± standard",
        "error of the difference from the baseline. Baseline: the paper's Gaussian around the box's centre, which needs no model: "
        f"{gaussian.mean():.3f}.",
        "Made by `python Testing/benchmarks/definitions.py`.",
        "",
        "| map | layer | AUROC | gain over the Gaussian | gain by size: "
        + " · ".join(
            f"{low}{'+' if high == np.inf else f' to {high}'} tokens (n = {n})"
            for (low, high), n in zip(sizes, counts, strict=False)
        )
        + " |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (name, layer), values in found.items():
        gain = values - gaussian
        by_size = " · ".join(f"{gain[(tokens >= low) & (tokens < high)].mean():+.3f}" for low, high in sizes)
        error = gain.std() / np.sqrt(len(gain))
        lines.append(f"| {name} | {layer} | {values.mean():.3f} | {gain.mean():+.3f} ± {error:.3f} | {by_size} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(table(*measured()), encoding="utf-8")
    print(OUTPUT.read_text(encoding="utf-8"))
