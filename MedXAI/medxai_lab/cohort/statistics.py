"""Statistics of a cohort: intervals of means that know patients, and paired tests that are corrected for their number.

Means have 95 % intervals by the bootstrap, patients drawn first and then their cases, since cases of a patient are alike.
Whether one map is ahead of another on the same cases is asked by Wilcoxon's signed-rank test, corrected by Holm's method
(S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6, 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

from .summary import ALL_ORGANS, PairedTest

DRAWS = 2000

#: An interval from fewer units than that says little, and the summary says so.
FEW_UNITS = 5

#: From so many patients on each is one unit; with fewer no p could reach 0.05 (five units: 0.0625 at best).
PATIENTS_AS_UNITS = 6


@dataclass(frozen=True)
class Comparison:
    """A question about two maps of the same cases.

    Attributes:
        question: in words.
        layer: of the encoder.
        metric: its name.
        mask: 'predicted' or 'reference'.
        first: the metric of the first map by case id; higher is better.
        second: the metric of the second map by case id.
    """

    question: str
    layer: str
    metric: str
    mask: str
    first: pd.Series
    second: pd.Series


def bootstrap_means(
    values: np.ndarray, patients: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over cases with percentile intervals. With one patient only its cases are drawn.

    A single case has no interval: every draw of it is the same, which would look like a mean that is exactly known.

    Args:
        values: (cases, columns), NaN where a case has none.
        patients: (cases,) any labels.
        seed: of the draws, which are the same for every column.
        draws: how many.

    Returns:
        Mean, lower and upper end, each (columns,); the mean is NaN where a column holds no value, the ends where it
        holds fewer than two.
    """
    present = np.isfinite(values)
    filled = np.where(present, values, 0.0)
    weights = hierarchical_weights(patients, seed, draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / present.sum(axis=0)
        drawn = (weights @ filled) / (weights @ present)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    several = present.sum(axis=0) > 1
    if several.any():
        low[several], high[several] = np.nanpercentile(drawn[:, several], [2.5, 97.5], axis=0)
    return mean, low, high


def hierarchical_weights(patients: np.ndarray, seed: int, draws: int) -> np.ndarray:
    """How often each case is taken.

    As many patients are drawn as there are, and each time that one is drawn, as many of its cases as it has; all with
    replacement.

    Returns:
        (draws, cases).
    """
    rng = np.random.default_rng(seed)
    names, places = np.unique(patients, return_inverse=True)
    taken = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    weights = np.zeros((draws, len(patients)))
    for number in range(len(names)):
        own = np.flatnonzero(places == number)
        weights[:, own] = rng.multinomial(taken[:, number] * len(own), np.full(len(own), 1 / len(own)))
    return weights


def paired_tests(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> tuple[PairedTest, ...]:
    """Tests every comparison over all organs and for each organ; Holm's correction counts all of them.

    Args:
        comparisons: the questions; one without a common case gets no test.
        cases: with the columns case_id, patient, organ.
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
