"""What the contour check has been shown to do with a model, in one sentence; goes wherever the check is shown."""

from __future__ import annotations

from ..models.registry import registered
from ..results import ModelIdentity

#: By checkpoint: off by more than 5 mm, all points of 78 boxes (Resources/docs/contour_check.md).
_FOUND = {
    "litemedsam": (
        "0.93 (0.87 to 0.96) on the CT and 0.73 (0.65 to 0.80) on the MR; of the firm points 3 % and 12 % were off by more "
        "than that all the same."
    ),
    "demo": (
        "0.86 (0.80 to 0.92) on the CT and 0.85 (0.80 to 0.89) on the MR; of the firm points 0 % and 2 % were off by more "
        "than that all the same, but only 8 % and 13 % of the outlines were firm."
    ),
}
#: As the checkpoints were prepared when the check was tried.
_PREPARATION = "default"


def how_tested(model: ModelIdentity) -> str:
    """What is known of the check with the weights that made an outline; that nothing is, where that is so."""
    for name, found in _FOUND.items():
        tried = registered(name)
        if model.checksum_sha256 == tried.sha256 and model.preparation == _PREPARATION:
            title = tried.title.partition(" (")[0]
            return (
                f"The check was tried with the weights of {title} on one CT and one MR scan, 78 boxes of two patients: the AUROC of "
                f"the tolerance for points off by more than 5 mm was {found}"
            )
    return (
        f"The check has not been tested with this model ({model.title}, {model.preparation} preparation): nothing is known of "
        "how well it finds the points that are off."
    )
