"""RISE (Petsiuk et al., BMVC 2018) with xaitk-saliency's masks and scoring."""

from dataclasses import dataclass

import numpy as np
import torch

from ..engine import SliceExplanation
from .base import Case, Kind, SaliencyMap
from .differentiable import image_of, segmenter_for
from .packages import missing
from .scoring import BATCH, IsCancelled, MaskScore, mean_weights, never


@dataclass(frozen=True)
class Rise:
    """The mean of random masks, each weighted by the score of the image seen through it; on the model's pixels, in [−1, 1].

    masks: how many, one pass of the encoder each. The original takes thousands; with the default the map is noisy.
    cells: of a mask along each side. open_share: the probability that a cell is seen.
    """

    masks: int = 160
    cells: int = 8
    open_share: float = 0.5
    seed: int = 0
    is_cancelled: IsCancelled = never
    name: str = "rise"
    kind: Kind = Kind.PEER

    def passes(self, result: SliceExplanation) -> int:
        """Passes of the encoder for one case."""
        return self.masks

    @torch.inference_mode(False)
    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        try:
            from xaitk_saliency.impls.gen_classifier_conf_sal.rise_scoring import RISEScoring
            from xaitk_saliency.impls.perturb_image.rise import RISEGrid
        except ImportError as error:
            raise missing("RISE needs", "xaitk-saliency") from error
        image = image_of(case.result)
        score = MaskScore(segmenter_for(case.result), mean_weights(case.result), self.is_cancelled)
        # Without threads: they would share one random generator, and the seed would not fix the masks.
        masks = RISEGrid(self.masks, self.cells, self.open_share, self.seed, threads=0).perturb(
            image[0, 0].cpu().numpy()
        )
        with torch.no_grad():
            seen = [score(image * part[:, None].to(image.device)) for part in torch.from_numpy(masks).split(BATCH)]
        scores = torch.cat(seen).cpu().numpy().astype(np.float64)
        # A score common to all masks says nothing of any place, but with few masks it leaves their mean in the map.
        centred = (scores - scores.mean())[:, None]
        values = RISEScoring(self.open_share).generate(np.zeros(1), centred, masks)[0]
        return (SaliencyMap(self.name, "", "", values.astype(np.float32)),)
