"""A map that says nothing: what every figure would be by the shape of the image and the mask alone."""

from dataclasses import dataclass

import numpy as np

from .base import Case, Kind, SaliencyMap


@dataclass(frozen=True)
class Uniform:
    """1 on the image, 0 on the model square's padding, on the embedding's grid."""

    name: str = "uniform"
    kind: Kind = Kind.NULL

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        encoding = case.result.encoding
        on_image = encoding.frame.content_coverage(tuple(encoding.embedding.shape[-2:])) > 0
        return (SaliencyMap(self.name, "", "", on_image.astype(np.float32)),)
