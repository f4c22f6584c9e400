"""The hardest null baseline: MedXAI's whole method on the same architecture with weights that have learned nothing."""

import copy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ..encoding.cache import EncodingCache
from ..engine import Explainer
from ..models.loading import LoadedModel
from .base import Case, Kind, SaliencyMap
from .three_stage.maps import maps_of

#: Deviation for a bare tensor whose trained values do not vary (SAM's own initialisation of such tables).
_DEFAULT_DEVIATION = 0.02


def with_random_weights(model: LoadedModel, seed: int) -> LoadedModel:
    """A copy of a model with everything that was learned drawn anew; the model itself and torch's generator stay as they are.

    Modules with torch's `reset_parameters` initialise themselves. Bare tensors have no initialisation of their own: a
    norm's weight and bias become 1 and 0, any other (position tables, the prompt encoder's Gaussian matrix) is drawn from
    a normal distribution, cut at two deviations for parameters, with the standard deviation of the trained tensor.
    """
    sam = copy.deepcopy(model.sam)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        for module in sam.modules():
            _initialise(module)
    checksum = f"random weights, seed {seed}, architecture of {model.checksum_sha256}"
    return replace(model, name=f"{model.name} (random weights)", sam=sam.eval(), checksum_sha256=checksum)


def _initialise(module: nn.Module) -> None:
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


@dataclass(frozen=True)
class RandomWeights:
    """Every map of MedXAI, the encoder and the decoder being random; the box, the image and the parameters are the case's.

    The random model of the last model asked for is kept, with the encodings of its last slices. For one thread at a time.
    """

    seed: int = 0
    name: str = "random-weights"
    kind: Kind = Kind.NULL
    _kept: dict[str, tuple[LoadedModel, Explainer]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        result = case.result
        layers = [layer.name for layer in result.encoding.layers]
        explainer = self._explainer_for(result.model)
        found = explainer.explain(result.prepared, [result.box], result.explanation.parameters, layers)[0]
        return maps_of(self.name, found.explanation)

    def _explainer_for(self, model: LoadedModel) -> Explainer:
        """Told by the network itself, not by its checksum: a model with some weights exchanged may carry the same one."""
        known = self._kept.get("last")
        if known is None or known[0].sam is not model.sam:
            known = model, Explainer(with_random_weights(model, self.seed), EncodingCache(64 << 20))
            self._kept["last"] = known
        return known[1]
