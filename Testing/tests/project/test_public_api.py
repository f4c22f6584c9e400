"""The public names of `medxai`: there, quick to import, and the example in the docstring runs."""

import doctest
import subprocess
import sys
import tomllib

import pytest

import medxai
from support.scans import ROOT


@pytest.mark.parametrize("name", medxai.__all__)
def test_every_public_name_is_there_and_known_to_type_checkers(name):
    assert getattr(medxai, name) is not None
    typed = (ROOT / "MedXAI" / "medxai" / "__init__.py").read_text(encoding="utf-8").split("__version__ =")[0]
    assert name == "__version__" or f" {name}" in typed


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match="no_such_name"):
        medxai.no_such_name  # noqa: B018


def test_importing_it_brings_no_heavy_library():
    heavy = ("torch", "numpy", "scipy", "skimage", "SimpleITK", "matplotlib")
    script = f"import medxai, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT / "MedXAI"
    )
    assert done.stdout.strip() == "[]"


def test_the_example_runs():
    results = doctest.testmod(medxai, optionflags=doctest.ELLIPSIS)
    assert results.attempted >= 5
    assert results.failed == 0


def test_the_version_is_written_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == medxai.__version__
