"""The explanation of a segmentation: three stages at every layer, the interaction map and the terminal map."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoding.encoding import Encoding
from ...encoding.features import LayerFeatures
from ...maps import STAGES
from ...results import Explanation, LayerMaps, Segmentation
from . import spatial as geometry
from .parameters import ExplainerParameters
from .references import TokenWeights, on_grid, similarities


@torch.inference_mode()
def explain(
    encoding: Encoding, segmentations: Sequence[Segmentation], parameters: ExplainerParameters | None = None
) -> tuple[Explanation, ...]:
    """Explains segmentations of one encoded slice, all boxes together (the paper's section 2).

    Args:
        encoding: Of the slice.
        segmentations: One a box.
        parameters: The weights of the three stages; None for the defaults.

    Returns:
        One explanation a box.
    """
    parameters = parameters or ExplainerParameters()
    start = time.perf_counter()
    places = {
        grid: _places(segmentations, encoding, grid, parameters) for grid in {layer.grid for layer in encoding.layers}
    }
    per_layer = [_layer_maps(layer, places[layer.grid], parameters) for layer in encoding.layers]
    repaired = {layer.name: layer.repaired_tokens for layer in encoding.layers}
    seconds = (time.perf_counter() - start) / max(len(segmentations), 1)
    return tuple(
        Explanation(segmentation, tuple(maps[index] for maps in per_layer), parameters, repaired, seconds)
        for index, segmentation in enumerate(segmentations)
    )


@dataclass(frozen=True)
class _Places:
    """What B boxes mean on a grid, for all layers that have it. spatial_weight: (B, n)."""

    weights: TokenWeights
    spatial_weight: Tensor


def _places(
    segmentations: Sequence[Segmentation], encoding: Encoding, grid: tuple[int, int], parameters: ExplainerParameters
) -> _Places:
    frame, device = encoding.frame, encoding.embedding.device
    boxes = [segmentation.box for segmentation in segmentations]

    def stacked(maps: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(maps)).to(device, torch.float32)

    coverage = stacked([geometry.coverage_of(box, frame, grid) for box in boxes]).flatten(1)
    probability = torch.sigmoid(stacked([segmentation.logits for segmentation in segmentations]))
    organ = F.interpolate(probability[:, None], size=grid, mode="area").flatten(1)
    return _Places(
        TokenWeights(
            coverage=coverage,
            organ=coverage * organ,
            attention=on_grid(stacked([segmentation.attention for segmentation in segmentations]), grid),
            ring=stacked([geometry.ring_of(box, frame, grid, parameters.ring_growth) for box in boxes]).flatten(1),
        ),
        stacked([geometry.spatial_weight(box, frame, grid, parameters) for box in boxes]).flatten(1),
    )


def _layer_maps(layer: LayerFeatures, places: _Places, parameters: ExplainerParameters) -> list[LayerMaps]:
    """S¹ = ⟨f̂, p⟩ · S² = ⟨f̂, unit(λp + (1−λ)q)⟩ · S³ = W · relu(α⟨f,g⟩ + β⟨f̂,o⟩ + γ⟨f̂,q⟩ − δ⟨f̂,b⟩)."""
    found = similarities(layer, places.weights, parameters.prototype_share)
    four = (
        parameters.global_weight * found.global_
        + parameters.prototype_weight * found.organ
        + parameters.prompt_weight * found.prompt
        - parameters.context_weight * found.context
    ).relu()
    # Tokens outside the image have zero features, so every map is zero there.
    maps = torch.stack([found.prototype, found.prototype_prompt, places.spatial_weight * four, four])
    arrays = maps.unflatten(-1, layer.grid).cpu().numpy()
    return [
        LayerMaps(layer.name, layer.grid, dict(zip(STAGES, arrays[:3, i], strict=True)), arrays[3, i])
        for i in range(len(places.spatial_weight))
    ]
