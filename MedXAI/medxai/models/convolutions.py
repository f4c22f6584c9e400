"""How a graphics processor computes convolutions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_CUDNN: Any = torch.backends.cudnn
#: PyTorch's switch for convolutions on a graphics processor, and its position for float32; before 2.9 it has another.
_CONVOLUTIONS = (_CUDNN.conv, "fp32_precision", "ieee") if hasattr(_CUDNN, "conv") else (_CUDNN, "allow_tf32", False)


@contextmanager
def unrounded_convolutions() -> Iterator[None]:
    """Convolutions in float32 on a graphics processor, too; the user's own choice is as it was afterwards.

    PyTorch lets cuDNN round their factors to 10 bits unless told otherwise. On an H200 the maps of LiteMedSAM's first layer
    were then up to 2.3e-3 of their range away from the CPU's, Grad-CAM's AUROC at the same layer by 0.02, and the parts
    of the demo model's ledger, where an activation bends, by 0.11 of their range.
    """
    switch, name, unrounded = _CONVOLUTIONS
    before = getattr(switch, name)
    setattr(switch, name, unrounded)
    try:
        yield
    finally:
        setattr(switch, name, before)
