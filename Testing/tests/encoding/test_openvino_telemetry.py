"""OpenVINO's own telemetry stays off: nothing but downloads that the user asked for goes over the network."""

import importlib.util
import re
import subprocess
import sys

import pytest

from support.scans import ROOT

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None or importlib.util.find_spec("openvino_telemetry") is None,
    reason="openvino with its telemetry is not installed (pip install openvino)",
)

SCRIPT = """
import sys
from medxai.encoding.kernels.openvino_import import openvino_module
openvino = openvino_module()
assert openvino.Core().available_devices
assert "openvino.tools.ovc.telemetry_stub" in sys.modules or not any("ovc" in name for name in sys.modules)
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
import openvino_telemetry  # for others it is there as before
"""


@needs_openvino
def test_openvino_is_imported_without_its_telemetry():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=ROOT / "MedXAI")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_nothing_else_imports_openvino():
    importing = re.compile(r"^\s*(import|from) openvino\b", re.MULTILINE)
    found = [path.name for path in (ROOT / "MedXAI").rglob("*.py") if importing.search(path.read_text("utf-8"))]
    assert found == ["openvino_import.py"]
