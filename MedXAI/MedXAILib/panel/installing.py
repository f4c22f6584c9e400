"""The packages that MedXAI needs, or can use, installed when they are wanted, after one question."""

import importlib
import importlib.util
import logging
import platform
from collections.abc import Callable, Sequence

import slicer

from ..session.choices import ENCODERS
from .translation import _
from .wording import packages

#: Where Intel publishes OpenVINO for Python (PyPI, releases of 2024.6 to 2025): system and processor.
_OPENVINO_MACHINES = {
    ("Linux", "x86_64"),
    ("Linux", "aarch64"),
    ("Windows", "AMD64"),
    ("Darwin", "x86_64"),
    ("Darwin", "arm64"),
}


def install(requirements_file: str, missing: Sequence[str]) -> str:
    """Asks once, then installs PyTorch through Slicer's PyTorch extension and the rest with pip.

    Args:
        requirements_file: The list for pip.
        missing: Modules that cannot be imported.

    Returns:
        What went wrong and what to do; empty where all went well or the user declined.
    """
    needs_torch = "torch" in missing
    if needs_torch and importlib.util.find_spec("PyTorchUtils") is None:
        return _(
            "PyTorch comes through Slicer's extension 'PyTorch', which is not installed: install it in the Extensions "
            "Manager, start Slicer again, and come back here."
        )
    others = packages([name for name in missing if name != "torch"])
    question = _("MedXAI needs these Python packages: {names}. Install them into Slicer's Python now?").format(
        names=", ".join(filter(None, ["PyTorch" if needs_torch else "", others]))
    )
    if needs_torch:
        question += " " + _(
            "PyTorch is a download of some hundred megabytes to some gigabytes, depending on the graphics processor."
        )
    if not slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
        return ""

    def run() -> str:
        if needs_torch:
            import PyTorchUtils

            if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
                return _("PyTorch was not installed; see the application's log.")
        _install_requirements(requirements_file)
        return ""

    return _in_words(run, requirements_file)


def encoders_on_offer() -> tuple[str, ...]:
    """The backends that can be chosen: OpenVINO's only where it is installed or can be."""
    can_have = has_openvino() or (platform.system(), platform.machine()) in _OPENVINO_MACHINES
    return tuple(name for name in ENCODERS if can_have or not name.startswith("openvino"))


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def install_openvino(requirements_file: str) -> str:
    """Asks once, then installs OpenVINO with pip.

    Args:
        requirements_file: The list for pip.

    Returns:
        What `install` returns.
    """
    question = _(
        "OpenVINO is Intel's free runtime for neural networks, a download of about 50 MB. Install it into Slicer's Python now?"
    )
    if not slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
        return ""
    return _in_words(lambda: _install_requirements(requirements_file) or "", requirements_file)


def has_dicom_writer() -> bool:
    """Whether highdicom, which writes DICOM objects, is installed."""
    return importlib.util.find_spec("highdicom") is not None


def install_dicom_writer(requirements_file: str) -> str:
    """Asks once, then installs highdicom with pip.

    Args:
        requirements_file: The list for pip.

    Returns:
        What `install` returns.
    """
    question = _("DICOM objects are written by the Python package highdicom. Install it into Slicer's Python now?")
    if not slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
        return ""
    return _in_words(lambda: _install_requirements(requirements_file) or "", requirements_file)


def _in_words(run: Callable[[], str], requirements_file: str) -> str:
    """What went wrong in an installation, and what to do about it; empty where nothing."""
    try:
        problem = run()
    except Exception as error:  # pip, the network, a full disk: all of them are the user's to know
        logging.getLogger(__name__).exception("MedXAI: installing packages failed")
        return _(
            "The packages could not be installed ({error}). Without a network, download the wheels that "
            "{file} names on another computer, and install them in Slicer's Python console with "
            "slicer.util.pip_install('--no-index --find-links FOLDER PACKAGES')."
        ).format(error=error, file=requirements_file)
    importlib.invalidate_caches()
    return problem


def _install_requirements(requirements_file: str) -> None:
    try:
        from slicer import packaging
    except ImportError:  # Slicer 5.10
        slicer.util.pip_install(f'-r "{requirements_file}"')
        return
    packaging.pip_ensure(
        packaging.load_requirements(requirements_file), prompt_install=False, requester="MedXAI", skip_in_testing=False
    )
