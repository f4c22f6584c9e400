"""RISE (Petsiuk et al., BMVC 2018) with xaitk-saliency's masks and scoring."""

from dataclasses import dataclass

import numpy as np
import torch

from ..maps import Need, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer, Package, installed_module
from .differentiable import image_of, plain_passes, segmenter_for
from .registry import register
from .scoring import BATCH, MaskScore, mean_weights

XAITK = Package("xaitk_saliency", "xaitk-saliency")


@register
@dataclass(frozen=True)
class Rise(Explainer):
    """The mean of random masks, each weighted by the score of the image seen through it; on the model's pixels.

    Values lie in [−1, 1].

    Attributes:
        masks: How many, one pass of the encoder each. The original takes thousands; with the default the map is noisy.
        cells: Of a mask along each side.
        open_share: The probability that a cell is seen.
        seed: Of the masks.
    """

    masks: int = 160
    cells: int = 8
    open_share: float = 0.5
    seed: int = 0

    key = "rise"
    title = "RISE"
    sentence = "Mean of random masks, each weighted by the mask's logits of the image seen through it."
    role = Role.COMPARISON
    needs = frozenset({Need.DECODER, Need.ENCODER_RUNS})
    package = XAITK
    order = 7

    def encoder_passes(self, case: Case) -> int:
        return self.masks

    @plain_passes()
    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        scoring = installed_module(XAITK, self.key, "xaitk_saliency.impls.gen_classifier_conf_sal.rise_scoring")
        perturbing = installed_module(XAITK, self.key, "xaitk_saliency.impls.perturb_image.rise")
        image = image_of(case)
        score = MaskScore(segmenter_for(case), mean_weights(case.result), control)
        # Without threads: they would share one random generator, and the seed would not fix the masks.
        masks = perturbing.RISEGrid(self.masks, self.cells, self.open_share, self.seed, threads=0).perturb(
            image[0, 0].cpu().numpy()
        )
        with torch.no_grad():
            seen = [score(image * part[:, None].to(image.device)) for part in torch.from_numpy(masks).split(BATCH)]
        scores = torch.cat(seen).cpu().numpy().astype(np.float64)
        # A score common to all masks says nothing of any place, but with few masks it leaves their mean in the map.
        centred = (scores - scores.mean())[:, None]
        values = scoring.RISEScoring(self.open_share).generate(np.zeros(1), centred, masks)[0]
        return (self.saliency(values),)
