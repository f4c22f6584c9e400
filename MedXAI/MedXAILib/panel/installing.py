"""The packages that MedXAI needs, installed when they are needed, after one question."""

import importlib
import logging
from collections.abc import Sequence

import slicer

from .translation import _
from .wording import packages


def install(requirements_file: str, missing: Sequence[str]) -> str:
    """Asks once, then installs PyTorch through Slicer's PyTorch extension and the rest with pip.

    Returns an empty text where all went well or the user declined, else what went wrong and what to do.
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
        question += " " + _("PyTorch is a download of some hundred megabytes to some gigabytes, depending on the graphics processor.")
    if not slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
        return ""
    try:
        if needs_torch:
            import PyTorchUtils

            if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False) is None:
                return _("PyTorch was not installed; see the application's log.")
        _install_requirements(requirements_file)
    except Exception as error:  # pip, the network, a full disk: all of them are the user's to know
        logging.getLogger(__name__).exception("MedXAI: installing packages failed")
        return _(
            "The packages could not be installed ({error}). Without a network, download the wheels that "
            "Resources/requirements.txt names on another computer, and install them in Slicer's Python console with "
            "slicer.util.pip_install('--no-index --find-links FOLDER PACKAGES')."
        ).format(error=error)
    importlib.invalidate_caches()
    return ""


def _install_requirements(requirements_file: str) -> None:
    try:
        from slicer import packaging
    except ImportError:  # Slicer 5.10
        slicer.util.pip_install(f'-r "{requirements_file}"')
        return
    packaging.pip_ensure(packaging.load_requirements(requirements_file), prompt_install=False, requester="MedXAI", skip_in_testing=False)
