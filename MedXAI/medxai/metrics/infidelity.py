"""captum's infidelity (Yeh et al., NeurIPS 2019): does a map's mass in a hidden square predict what hiding it costs?"""

import numpy as np
import torch

from .replaced_parts import HiddenParts

#: Sides of the hidden squares, as shares of the slice's.
_SMALLEST_SHARE, _LARGEST_SHARE = 1 / 8, 1 / 2


class Infidelity:
    """Infidelity of maps of one case, on the same hidden squares; the model's answers to them are computed once.

    A saliency map has no scale of its own, so captum's `normalize` is used, which gives it the best one. The result is
    divided by the mean square of what hiding costs: 1 for a map that says nothing of it, 0 for one that predicts it.

    Args:
        parts: The case's slice in n cells that can be hidden.
        samples: How many squares.
        seed: Of the squares.
    """

    def __init__(self, parts: HiddenParts, samples: int, seed: int):
        self._hidden = torch.from_numpy(_squares(parts, samples, np.random.default_rng(seed)))
        scores = parts.scores(np.concatenate([np.ones((1, parts.count), bool), ~self._hidden.numpy()]))[:, 0]
        self._answers = {self._key(row): float(score) for row, score in zip(~self._hidden, scores[1:], strict=True)}
        self._answers[self._key(torch.ones(parts.count, dtype=torch.bool))] = float(scores[0])
        self._mean_square = float(np.square(scores[0] - scores[1:]).mean())

    def of(self, values: np.ndarray) -> float | None:
        """The infidelity of one map.

        Args:
            values: (n,), the map on the cells.

        Returns:
            None without captum, where hiding costs nothing, or where the map is zero in every square.
        """
        try:
            from captum.metrics import infidelity
        except ImportError:
            return None
        mass = torch.from_numpy(values)[None]
        if self._mean_square == 0 or not (self._hidden.double() @ mass[0]).any():
            return None
        whole = torch.ones_like(mass)
        found = infidelity(self._answer, self._hide, whole, mass, n_perturb_samples=len(self._hidden), normalize=True)
        return float(found) / self._mean_square

    def _hide(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self._hidden.to(inputs.dtype)
        return hidden, inputs - hidden

    def _answer(self, kept: torch.Tensor) -> torch.Tensor:
        return torch.tensor([self._answers[self._key(row > 0.5)] for row in kept], dtype=torch.float64)

    @staticmethod
    def _key(kept: torch.Tensor) -> bytes:
        return kept.numpy().tobytes()


def _squares(parts: HiddenParts, samples: int, rng: np.random.Generator) -> np.ndarray:
    """(samples, n) bool: the cells whose centre lies in a random square, about a random cell."""
    centres = parts.centres_px()
    side = max(np.ptp(centres, axis=0).max(), 1.0)
    middle = centres[rng.integers(len(centres), size=samples)]
    half = rng.uniform(_SMALLEST_SHARE, _LARGEST_SHARE, samples) * side / 2
    return (np.abs(centres[None] - middle[:, None]) <= half[:, None, None]).all(2)
