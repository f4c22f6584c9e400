"""Null baselines that know the box and nothing else: no model, no image."""

from dataclasses import dataclass, replace

import numpy as np

from .base import Case, Kind, SaliencyMap
from .three_stage.parameters import Preset
from .three_stage.spatial import coverage_of, spatial_weight


@dataclass(frozen=True)
class SpatialWeighting:
    """Stage 3's spatial weighting W alone, on the embedding's grid, by one preset's measure of distance.

    Its floor ρ and every other parameter are the case's own, so this is exactly the factor that stage 3 is multiplied by
    where the preset is the case's.
    """

    name: str
    preset: Preset
    kind: Kind = Kind.NULL

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        encoding, explanation = case.result.encoding, case.result.explanation
        grid = tuple(encoding.embedding.shape[-2:])
        parameters = replace(explanation.parameters, preset=self.preset)
        weight = spatial_weight(explanation.segmentation.box, encoding.frame, grid, parameters)
        on_image = encoding.frame.content_coverage(grid) > 0
        return (SaliencyMap(self.name, "", "", np.where(on_image, weight, 0).astype(np.float32)),)


@dataclass(frozen=True)
class BoxIndicator:
    """1 in the box and 0 outside, on the model's pixels.

    W never falls below ρ, which spreads its mass over the slice; the bare box is the stronger null for figures of mass.
    """

    name: str = "box"
    kind: Kind = Kind.NULL

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        frame = case.result.encoding.frame
        inside = coverage_of(case.result.segmentation.box, frame, (frame.size_px, frame.size_px))
        return (SaliencyMap(self.name, "", "", inside.astype(np.float32)),)
