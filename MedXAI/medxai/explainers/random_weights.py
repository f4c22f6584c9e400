"""The hardest baseline: MedXAI's whole method on the same architecture with weights that have learned nothing."""

import copy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ..maps import OWN_MAPS, MapInfo, Need, Role
from ..models.loading import LoadedModel, with_network
from ..models.network_type import Network
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .medxai_maps import maps_of
from .registry import register

#: Deviation for a bare tensor whose trained values do not vary (SAM's own initialisation of such tables).
_DEFAULT_DEVIATION = 0.02


def with_random_weights(model: LoadedModel, seed: int) -> LoadedModel:
    """A copy of a model with everything that was learned drawn anew.

    The model itself and torch's generator stay as they are. Modules with torch's `reset_parameters` initialise
    themselves. The draws are the CPU's, so that every device gets the same weights. Bare tensors have no initialisation of their own: a norm's weight and bias become 1 and 0; any other
    (position tables, the prompt encoder's Gaussian matrix) is drawn from a normal distribution with the standard
    deviation of the trained tensor, cut at two deviations for parameters. The test by random weights is that of Adebayo
    et al. ("Sanity Checks for Saliency Maps", NeurIPS 2018).

    Args:
        model: The trained model.
        seed: Of the draws.
    """
    sam = copy.deepcopy(model.sam).cpu()
    with torch.random.fork_rng([]), torch.no_grad():
        torch.manual_seed(seed)
        for module in sam.modules():
            _initialise(module)
    checksum = f"random weights, seed {seed}, architecture of {model.checksum_sha256}"
    return with_network(model, sam.to(model.device).eval(), checksum, f"{model.name} (random weights)")


def _initialise(module: Network) -> None:
    if callable(getattr(module, "reset_parameters", None)):
        module.reset_parameters()  # BatchNorm's running statistics too
        return
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.dim() == 1 and name in ("weight", "bias"):  # segment-anything's LayerNorm2d
            parameter.fill_(1.0 if name == "weight" else 0.0)
        else:
            deviation = _deviation(parameter)
            nn.init.trunc_normal_(parameter, std=deviation, a=-2 * deviation, b=2 * deviation)
    for name, buffer in module.named_buffers(recurse=False):
        # What is not saved with the weights (tables of indexes, pixel means) was not learned.
        if name not in module._non_persistent_buffers_set and buffer.is_floating_point():
            buffer.normal_(std=_deviation(buffer))


def _deviation(trained: Tensor) -> float:
    deviation = float(trained.std()) if trained.numel() > 1 else 0.0
    return deviation if deviation > 0 else _DEFAULT_DEVIATION


@register
@dataclass(frozen=True)
class RandomWeights(Explainer):
    """Every map of MedXAI, encoder and decoder being random; the box, the image and the parameters are the case's.

    The random model of the last model asked for is kept. For one thread at a time.
    """

    seed: int = 0
    _kept: list[tuple[LoadedModel, LoadedModel]] = field(default_factory=list, init=False, repr=False, compare=False)

    key = "random-weights"
    title = "same network, random weights"
    sentence = "The whole method on the same architecture with weights that have learned nothing."
    role = Role.BASELINE
    needs = frozenset({Need.FEATURES, Need.DECODER, Need.ENCODER_RUNS})
    has_layers = True
    order = 1

    @classmethod
    def map_infos(cls) -> tuple[MapInfo, ...]:
        return tuple(
            replace(
                info,
                explainer=cls.key,
                title=f"{info.title}, random weights",
                role=cls.role,
                needs=cls.needs | info.needs,
            )
            for info in OWN_MAPS
        )

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        request = replace(case.request, model=self._random(case.model), layers=case.result.encoding.layers)
        return maps_of(self.key, case.engine.case(request, case.box, control).result.explanation)

    def _random(self, model: LoadedModel) -> LoadedModel:
        """Told by the network itself, not by its checksum: a model with some weights exchanged may carry the same."""
        if not self._kept or self._kept[0][0].sam is not model.sam:
            self._kept[:] = [(model, with_random_weights(model, self.seed))]
        return self._kept[0][1]
