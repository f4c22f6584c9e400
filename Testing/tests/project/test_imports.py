"""What may be imported before PyTorch is installed imports without it, in a new Python process."""

import subprocess
import sys

import pytest

from support.scans import ROOT

WITHOUT_TORCH = [
    "medxai",
    "medxai.errors",
    "medxai.explainers.registry",
    "medxai.explainers.three_stage.parameters",
    "medxai.map_view",
    "medxai.maps",
    "medxai.models.registry",
    "medxai.progress",
    "medxai.provenance",
    "medxai.request",
    "medxai.results",
    "MedXAILib.session.controller",
    "MedXAILib.session.tasks",
]


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_it_imports_neither_torch_nor_what_is_installed_with_it(module):
    heavy = ("torch", "segment_anything", "skimage", "sklearn", "matplotlib", "safetensors", "slicer", "qt")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "MedXAI", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
