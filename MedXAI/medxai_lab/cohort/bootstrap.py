"""95 % intervals of means by the bootstrap, patients drawn first and then their cases: cases of a patient are alike."""

import numpy as np

DRAWS = 2000


def bootstrap_means(
    values: np.ndarray, patients: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, lower and upper end (each (columns,)) of every column, NaN where a column holds no value.

    values: (cases, columns), NaN where a case has none. patients: (cases,) any labels. Percentile intervals of the mean
    over cases. With one patient only its cases are drawn. Every column sees the same draws.
    """
    present = np.isfinite(values)
    filled = np.where(present, values, 0.0)
    weights = hierarchical_weights(patients, seed, draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / present.sum(axis=0)
        drawn = (weights @ filled) / (weights @ present)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    some = present.any(axis=0)
    low[some], high[some] = np.nanpercentile(drawn[:, some], [2.5, 97.5], axis=0)
    return mean, low, high


def hierarchical_weights(patients: np.ndarray, seed: int, draws: int) -> np.ndarray:
    """(draws, cases): how often each case is taken, as many patients being drawn as there are, and of each time that one is
    drawn as many of its cases as it has, all with replacement."""
    rng = np.random.default_rng(seed)
    names, places = np.unique(patients, return_inverse=True)
    taken = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    weights = np.zeros((draws, len(patients)))
    for number in range(len(names)):
        own = np.flatnonzero(places == number)
        weights[:, own] = rng.multinomial(taken[:, number] * len(own), np.full(len(own), 1 / len(own)))
    return weights
