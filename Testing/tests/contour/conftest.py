"""Models that the contour check is tried with, and what it says of each planted slice."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from medxai.contour.result import ContourCheck
from medxai.engine import Engine
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import SliceExplanation
from medxai_lab.contour_cases.cases import CASES


@dataclass(frozen=True)
class Checked:
    """A planted slice, its result, and the check of its outline. planted: (n,) bool, the points where something was planted."""

    request: ExplainRequest
    result: SliceExplanation
    check: ContourCheck
    planted: np.ndarray


@pytest.fixture(scope="session", params=["demo", "litemedsam"])
def checked(request) -> Callable[[str], Checked]:
    """What a model's check says of a planted slice, by the slice's key."""
    if not ModelStore().has(registered(request.param)):
        pytest.skip("needs LiteMedSAM's weights; fetch them with 'medxai models download litemedsam'")
    engine, cases = Engine(), {case.key: case for case in CASES}

    @cache
    def of(key: str) -> Checked:
        made = cases[key].make()
        asked = ExplainRequest(made.volume, made.image, model=ModelChoice(request.param), layers=("neck",))
        (result,) = engine.explain(asked, [made.box])
        check = engine.check_contour(asked, result)
        return Checked(asked, result, check, cases[key].where(check.points_px))

    return of
