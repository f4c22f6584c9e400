"""OpenVINO without its telemetry: nothing about a user's work may leave the computer unasked."""

import sys
from types import ModuleType

_TELEMETRY = "openvino_telemetry"


def openvino_module() -> ModuleType:
    """The package `openvino`; every import of it in MedXAI calls this function.

    OpenVINO reports its own import over the network unless the user has refused that before. Where its telemetry package
    cannot be imported, OpenVINO takes an empty stand-in of its own instead, so the package is hidden while it looks.
    """
    if "openvino" not in sys.modules and _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
        try:
            import openvino
        finally:
            del sys.modules[_TELEMETRY]
    import openvino

    return openvino
