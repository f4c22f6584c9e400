"""pytorch-grad-cam, also beside a torchvision whose compiled part does not fit the installed torch.

It imports torchvision for a few pure-Python transforms. torchvision's own import registers shapes for its compiled
operators and fails where these did not load, as beside several CPU builds of torch ("operator torchvision::nms does not
exist"). The operators are declared here by name, without any code behind them: nothing that is used here calls them.
"""

import functools
import importlib
import re
from types import ModuleType, SimpleNamespace

import torch

from ..errors import InputError
from .base import Package

GRAD_CAM = Package("pytorch_grad_cam", "grad-cam")
_MISSING_OPERATOR = re.compile(r"operator torchvision::(\w+) does not exist")
#: torchvision has about a dozen operators; two (nms, qnms) are asked for today.
_MOST_ATTEMPTS = 20


def grad_cam_package() -> ModuleType:
    """The module `pytorch_grad_cam`.

    Raises:
        InputError: Where it is not installed or cannot be imported.
    """
    if not GRAD_CAM.is_installed:
        raise InputError(GRAD_CAM.missing("grad-cam"))
    try:
        package = _import()
    except (ImportError, RuntimeError) as error:
        reason = str(error).split("\n")[0][:200]
        raise InputError(
            f"The package grad-cam cannot be imported ({reason}); install it anew with 'pip install --force-reinstall --no-deps grad-cam'."
        ) from error
    # Score-CAM draws a progress bar on the terminal and has no switch for it.
    package.score_cam.tqdm = SimpleNamespace(tqdm=lambda steps: steps)
    return package


def _import() -> ModuleType:
    for _ in range(_MOST_ATTEMPTS):
        try:
            return importlib.import_module(GRAD_CAM.module)
        except RuntimeError as error:
            operator = _MISSING_OPERATOR.search(str(error))
            if operator is None:
                raise
            _declare(operator[1])
    raise ImportError("torchvision does not fit the installed torch")


@functools.cache  # a declaration lives as long as its library object
def _declare(operator: str) -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
