"""Whether one map is ahead of another on the same cases: Wilcoxon's signed-rank test, corrected by Holm's method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

from .summary import ALL_ORGANS, PairedTest

#: From so many patients on each is one unit; with fewer no p could reach 0.05 (five units: 0.0625 at best).
PATIENTS_AS_UNITS = 6


@dataclass(frozen=True)
class Comparison:
    """first, second: figures by case id, higher being better in both."""

    question: str
    layer: str
    metric: str
    mask: str
    first: pd.Series
    second: pd.Series


def paired_tests(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> tuple[PairedTest, ...]:
    """Every comparison over all organs and for each organ, Holm's correction counting all of them.

    cases: columns case_id, patient, organ. A comparison without a common case has no test.
    """
    cases = cases.set_index("case_id")
    found = []
    for organ in (ALL_ORGANS, *sorted(cases.organ.unique())):
        chosen = cases if organ == ALL_ORGANS else cases[cases.organ == organ]
        if organ != ALL_ORGANS and len(chosen) == len(cases):
            continue  # the only organ: the same test once more
        found += [test for one in comparisons if (test := _test(one, organ, chosen)) is not None]
    return holm(found)


def holm(tests: Sequence[PairedTest]) -> tuple[PairedTest, ...]:
    """The same with p_holm, over those that have a p."""
    with_p = [test for test in tests if test.p is not None]
    corrected = iter(multipletests([test.p for test in with_p], method="holm")[1] if with_p else ())
    return tuple(replace(test, p_holm=float(next(corrected))) if test.p is not None else test for test in tests)


def _test(one: Comparison, organ: str, cases: pd.DataFrame) -> PairedTest | None:
    differences = (one.first - one.second).reindex(cases.index).dropna()
    if differences.empty:
        return None
    patients = cases.patient.reindex(differences.index)
    by_patient = patients.nunique() >= PATIENTS_AS_UNITS
    units = differences.groupby(patients).mean() if by_patient else differences
    p = float(wilcoxon(units.to_numpy()).pvalue) if np.any(units != 0) else None
    unit = "patients" if by_patient else "cases"
    return PairedTest(
        one.question, organ, one.layer, one.metric, one.mask, unit, len(units), float(units.median()), p, None
    )
