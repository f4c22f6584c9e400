"""Random scenes: each is drawn by one of six families.

They are made up: proportions are drawn from wide ranges, not measured on anybody, so that a model
learns what makes an object stand out rather than where organs usually lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .abdomen import abdomen
from .head import head
from .limbs import limbs
from .packing import packing, partition
from .scene import Canvas, Scene
from .thorax import thorax

Family = Callable[[np.random.Generator, Canvas], None]

#: What draws a scene on an empty canvas, by name.
FAMILIES: Mapping[str, Family] = {
    "abdomen": abdomen,
    "thorax": thorax,
    "head": head,
    "limbs": limbs,
    "packing": packing,
    "partition": partition,
}

#: How often each family is drawn, in their order.
_SHARES = (0.46, 0.08, 0.13, 0.05, 0.18, 0.10)


def random_scene(rng: np.random.Generator) -> Scene:
    """Draws one scene of a random family; the same state of the generator gives the same scene."""
    family = tuple(FAMILIES.values())[rng.choice(len(FAMILIES), p=_SHARES)]
    canvas = Canvas()
    family(rng, canvas)
    return canvas.finish()
