"""segment-anything's model code, also where torchvision is missing or does not fit the installed torch.

`import segment_anything` runs the package's own __init__, which needs torchvision for its predictor and mask
generator; the model code (`segment_anything.modeling`) does not.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

from ..errors import ModelError

_PACKAGE = "segment_anything"


def modeling() -> ModuleType:
    """The module `segment_anything.modeling`.

    Raises:
        ModelError: Where the package is not installed.
    """
    if _PACKAGE not in sys.modules:
        _import_package()
    return importlib.import_module(f"{_PACKAGE}.modeling")


def _import_package() -> None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise ModelError(
            "The package segment-anything is not installed; install it with 'pip install segment-anything==1.0'."
        )
    try:
        importlib.import_module(_PACKAGE)
    except Exception:  # ModuleNotFoundError without torchvision, RuntimeError ("torchvision::nms") with an unfit one
        for name in [n for n in sys.modules if n == _PACKAGE or n.startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]
        # The bare package object: its submodules are found, its __init__ is not run.
        sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
