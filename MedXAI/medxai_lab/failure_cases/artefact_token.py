"""One background token of huge norm, as large vision transformers make them."""

import copy
from dataclasses import replace

from torch import Tensor, nn

from medxai.metrics.map_change import rank_correlation
from medxai.models.loading import LoadedModel, with_network

from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import ARTEFACT_TOKEN
from .two_identical_organs import twins

_BLOCK, _ROW, _COLUMN, _TIMES = 1, 4, 27, 40.0
_LAYER = f"block {_BLOCK}"


class _WithLargeToken(nn.Module):
    """A block that multiplies one of its tokens as they leave it."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.block(tokens).clone()
        tokens[:, _ROW, _COLUMN] *= _TIMES
        return tokens


def with_large_token(model: LoadedModel) -> LoadedModel:
    """A copy of the model in which one token, in the air beside the body, leaves block 1 with 40 times its norm."""
    sam = copy.deepcopy(model.sam)
    sam.image_encoder.blocks[_BLOCK] = _WithLargeToken(sam.image_encoder.blocks[_BLOCK])
    changed = with_network(model, sam, f"{model.checksum_sha256}, artefact", f"{model.name}-artefact")
    return replace(changed, title=f"{model.title}, with an artefact token")


def run(model: LoadedModel) -> CaseRun:
    """Compares the maps with the large token to those without it."""
    made, _ = twins()
    result, without = explained(made, with_large_token(model)), explained(made, model)
    repaired = result.explanation.repaired_tokens[_LAYER]

    def correlation(layer: str) -> float:
        return rank_correlation(*(one.explanation.layer(layer).stages[1] for one in (result, without)))

    return CaseRun(
        {
            "artefact tokens repaired without the plant": float(sum(without.explanation.repaired_tokens.values())),
            "artefact tokens repaired at block 1": float(repaired),
            "artefact tokens repaired at block 1, too many": float(max(repaired - 1, 0)),
            "stage 1 block 1: rank correlation with the map without it": correlation(_LAYER),
            "stage 1 neck: rank correlation with the map without it": correlation("neck"),
            "warnings that say so": float(sum("Artefact tokens" in warning for warning in result.warnings)),
        },
        tuple(
            shown
            for label, one in (("with the token", result), ("without it", without))
            for shown in (
                MapToShow(f"{label}: slice, box, mask", one),
                *(stage_shown(f"stage 1, {layer}", one, 1, layer) for layer in (_LAYER, "block 3", "block 4", "neck")),
            )
        ),
        made.reference,
        columns=5,
    )


CASE = FailureCase(ARTEFACT_TOKEN, run)
