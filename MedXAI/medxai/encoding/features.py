"""A layer's tokens made comparable: artefacts repaired, centred, whitened, of unit length."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

#: An artefact token's norm lies at least this many median absolute deviations above the layer's median.
ARTEFACT_DEVIATIONS = 6.0
#: It is also at least this many times the median. Deviations alone flag sound tokens where norms hardly vary, as after a
#: layer norm: 146 of 1,024 neck tokens of the demo model on a real MR slice, none more than 3 % above the median. Sound
#: tokens of LiteMedSAM reach 2.3 times the median; an artefact token has several times it.
ARTEFACT_RATIO = 3.0
#: The share of the mean variance that is added to every direction before whitening. Between 0.003 and 0.1 hardly anything
#: changes (`Resources/docs/method.md`); it keeps directions without variance from becoming noise.
SHRINKAGE = 0.03
#: A token covered so much by the image is covered wholly, but for rounding.
_WHOLE = 1 - 1e-6
_EPSILON = 1e-6


@dataclass(frozen=True)
class LayerFeatures:
    """What the explainer needs of one layer of one slice; no box has a part in it.

    Attributes:
        name: The layer's name, for example 'block 11'.
        grid: (h, w) of the layer's tokens over the model's square.
        unit: (h·w, d) float16 (`in_float32`: float32), centred, whitened and normalised tokens f̂; zero outside the image's content.
        global_similarity: (h, w) float32, the cosine of each uncentred token with the mean uncentred token, ⟨f, g⟩.
        repaired_tokens: How many artefact tokens took their neighbours' median.
    """

    name: str
    grid: tuple[int, int]
    unit: Tensor
    global_similarity: Tensor
    repaired_tokens: int

    @property
    def nbytes(self) -> int:
        return self.unit.nbytes + self.global_similarity.nbytes

    def in_float32(self) -> "LayerFeatures":
        """The same with f̂ in single precision, in which it is compared; twice the memory."""
        return replace(self, unit=self.unit.float())

    @cached_property
    def square_norms(self) -> Tensor:
        """(h·w,) float32: ‖f̂‖², 1 but for rounding, or 0 outside the image. Taken once, since every box needs it."""
        return torch.linalg.vector_norm(self.unit.float(), dim=1).square()


def layer_features(name: str, tokens: Tensor, content: Tensor) -> LayerFeatures:
    """The features of one layer.

    f̂(i) = z(i) / max(‖z(i)‖, ε) with z(i) = whitened(F(i) − μ), μ the mean over the image. Without centring, the
    features of a ViT share one dominant direction and every cosine is near 1; without whitening, the centred ones still
    share a few directions. The paper (section 2) says "normalized dot products between image features and reference
    representations"; centring and whitening are MedXAI's reading of it (Resources/docs/method.md).

    Args:
        name: The layer's name.
        tokens: (h, w, d), as the encoder gives them.
        content: (h, w) in [0, 1], the share of each token that the image covers.
    """
    h, w, d = tokens.shape
    tokens, repaired = repair_artefacts(tokens.float(), content)
    flat, weight = tokens.reshape(-1, d), content.reshape(-1, 1)
    lit = weight > 0
    mean = (flat * weight).sum(0) / weight.sum()
    white = whitened((flat - mean) * lit, weight)
    unit = white / white.norm(dim=1, keepdim=True).clamp_min(_EPSILON)
    to_mean = flat @ (mean / mean.norm().clamp_min(_EPSILON)) / flat.norm(dim=1).clamp_min(_EPSILON)
    return LayerFeatures(name, (h, w), unit.half(), (to_mean * lit[:, 0]).reshape(h, w), repaired)


def whitened(centred: Tensor, weight: Tensor) -> Tensor:
    """Tokens in the metric of their own covariance.

    z = L⁻¹ x with L Lᵀ = C + s · tr(C)/d · I, s the shrinkage. Products of z are those of the Mahalanobis distance,
    ⟨z,z'⟩ = ⟨x, (C + …)⁻¹ x'⟩, whichever square root of the matrix is taken; a product with a class's mean is then
    Fisher's linear discriminant. The form of the shrinkage is that of Ledoit and Wolf ("A well-conditioned estimator
    for large-dimensional covariance matrices", J. Multivariate Analysis 88, 2004), with its size fixed.

    Args:
        centred: (n, d), of weighted mean zero.
        weight: (n, 1), each token's share of the image.

    Returns:
        (n, d); all zeros stay zeros: a layer that is the same everywhere has nothing to compare. So has one
        whose covariance cannot be factorised even in double precision, as where squares of its numbers are not finite.
    """
    found = _whitened(centred, weight)
    if found is None:
        found = _whitened(centred.cpu().double(), weight.cpu().double())
    return torch.zeros_like(centred) if found is None else found.to(centred.device, centred.dtype)


def _whitened(centred: Tensor, weight: Tensor) -> Tensor | None:
    """None where the covariance cannot be factorised in this precision."""
    covariance = (centred * weight).T @ centred / weight.sum()
    spread = covariance.diagonal().mean()
    if spread <= _EPSILON**2:
        return torch.zeros_like(centred)
    covariance.diagonal().add_(SHRINKAGE * spread)
    # On the CPU, since not every accelerator can factorise; d ≤ 1,280, so only one small matrix is copied.
    root, failed_at = torch.linalg.cholesky_ex(covariance.cpu())
    if failed_at.item() or not root.isfinite().all():
        return None
    inverse_root = torch.linalg.solve_triangular(root, torch.eye(len(root), dtype=root.dtype), upper=False)
    return centred @ inverse_root.T.to(centred.device)


def repair_artefacts(tokens: Tensor, content: Tensor) -> tuple[Tensor, int]:
    """Replaces tokens of outlying norm by the median of their sound 3 × 3 neighbours.

    Such tokens are known from large ViTs (Darcet et al., "Vision Transformers Need Registers", ICLR 2024). Tokens on the
    edge of the image are never taken for one: where an encoder has convolutions, they see zeros beyond the edge, and up to
    nine tenths of the edge are louder than the rest (`Resources/docs/method.md`). So an artefact on the very edge is missed.
    Tokens that the padding covers count in nothing.

    Args:
        tokens: (h, w, d).
        content: (h, w) in [0, 1], the share of each token that the image covers.

    Returns:
        The repaired tokens (h, w, d), and how many were replaced.
    """
    whole = content >= _WHOLE
    inner = _without_its_edge(whole)
    if not inner.any():
        return tokens, 0
    norms = tokens.norm(dim=-1)
    median = norms[whole].median()
    deviation = (norms[whole] - median).abs().median()
    artefact = inner & (norms > median + ARTEFACT_DEVIATIONS * deviation) & (norms > ARTEFACT_RATIO * median)
    if not artefact.any():
        return tokens, 0
    h, w, _ = tokens.shape
    repaired = tokens.clone()
    places = artefact.nonzero().tolist()
    sound = whole & ~artefact
    for row, column in places:
        near = torch.zeros_like(whole)
        near[max(row - 1, 0) : min(row + 2, h), max(column - 1, 0) : min(column + 2, w)] = True
        around = near & sound
        if around.any():
            repaired[row, column] = tokens[around].median(dim=0).values
    return repaired, len(places)


def _without_its_edge(area: Tensor) -> Tensor:
    """The cells of an area (h, w) bool whose eight neighbours all belong to it; outside the grid nothing does."""
    outside = F.pad((~area).float()[None, None], (1, 1, 1, 1), value=1.0)
    return F.max_pool2d(outside, 3, stride=1)[0, 0] == 0
