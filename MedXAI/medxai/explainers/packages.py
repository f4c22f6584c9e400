"""Which of the packages that other people's explainers come in are installed, and what to say where one is not."""

import importlib.util

from ..errors import InputError


def is_there(module: str) -> bool:
    """Whether a module can be found; nothing of it is imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def sentence_on_missing(what: str, package: str) -> str:
    """what: the explainers, with their verb ('Grad-CAM needs'). package: its name for pip."""
    return f"{what} the package {package}, which is not installed; install it with 'pip install {package}'."


def missing(what: str, package: str) -> InputError:
    return InputError(sentence_on_missing(what, package))
