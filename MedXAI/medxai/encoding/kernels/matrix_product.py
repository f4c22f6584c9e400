"""Linear layers into given memory, through whichever of torch's two CPU matrix products is faster on this machine."""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: oneDNN must win by this factor: it cannot add to the residual in place.
_CLEAR_GAIN = 1.15
_PROBE_ROUNDS = 4


class Affine(Protocol):
    """What is multiplied with: `nn.Linear`, or anything else with a weight (out features, in) and a bias or None."""

    @property
    def weight(self) -> Tensor:
        """(out features, in)."""

    @property
    def bias(self) -> Tensor | None:
        """(out features,)."""


class Products(Protocol):
    """How the linear layers of one pass are computed.

    Arrays are contiguous rows: x is (n, in), out and residual are (n, out features).
    """

    @property
    def attention_dtype(self) -> torch.dtype | None:
        """What queries, keys and values are rounded to."""

    def write(self, layer: Affine, x: Tensor, out: Tensor) -> None:
        """Writes layer(x) to out."""

    def add(self, layer: Affine, x: Tensor, residual: Tensor) -> None:
        """Adds layer(x) to residual."""


class BlasProducts:
    """torch's matrix product (MKL, OpenBLAS, Accelerate).

    Writing to memory that is used again is 15 % faster than `F.linear`, whose fresh result the kernel must first map.
    """

    attention_dtype = None

    def write(self, layer: Affine, x: Tensor, out: Tensor) -> None:
        if layer.bias is None:
            torch.mm(x, layer.weight.t(), out=out)
        else:
            torch.addmm(layer.bias, x, layer.weight.t(), out=out)

    def add(self, layer: Affine, x: Tensor, residual: Tensor) -> None:
        if layer.bias is not None:
            residual += layer.bias
        residual.addmm_(x, layer.weight.t())


class OneDnnProducts:
    """oneDNN's 1 × 1 convolution over channels-last memory; far faster than MKL on some CPUs."""

    attention_dtype = None

    def write(self, layer: Affine, x: Tensor, out: Tensor) -> None:
        out.copy_(_convolved(layer, x))

    def add(self, layer: Affine, x: Tensor, residual: Tensor) -> None:
        residual += _convolved(layer, x)


def _convolved(layer: Affine, x: Tensor) -> Tensor:
    image = x[None, :, None, :].permute(0, 3, 1, 2)  # (1, in, n, 1) over the same memory
    result = F.conv2d(image, layer.weight[:, :, None, None], layer.bias)
    return result.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


def fastest_products() -> Products:
    """Measured once per number of threads, in about 50 ms; without oneDNN there is no choice.

    With one thread it is the plain matrix product without measuring. The workers of a cohort have one thread each, and
    their numbers must not depend on what each of them measured.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return BlasProducts()
    return _fastest_products(threads)


@cache
def _fastest_products(_threads: int) -> Products:
    blas = BlasProducts()
    if not torch.backends.mkldnn.is_available():
        return blas
    one_dnn = OneDnnProducts()
    layer = nn.Linear(768, 768).requires_grad_(False)
    x, out = torch.rand(1024, 768), torch.empty(1024, 768)
    ways: dict[Products, float] = {blas: float("inf"), one_dnn: float("inf")}
    for _ in range(_PROBE_ROUNDS):  # in turn, so that another program's load hits both
        for way in ways:
            ways[way] = min(ways[way], seconds_of(partial(way.write, layer, x, out)))
    return one_dnn if ways[one_dnn] * _CLEAR_GAIN < ways[blas] else blas


def seconds_of(work: Callable[[], None]) -> float:
    """How long the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
