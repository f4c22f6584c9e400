"""What the documentation shows is what the code does: made pages up to date, examples that run, notebooks, the site."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "Resources" / "docs"


def _script(name):
    """A script of the documentation's folder as a module."""
    spec = importlib.util.spec_from_file_location(f"documentation_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_maps_lists_what_the_registry_has():
    script = _script("list_maps")
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run Resources/docs/list_maps.py"


def test_the_drawing_of_the_rooms_shows_the_imports_that_the_code_has():
    script = _script("draw_architecture")
    assert json.loads(script.DATA.read_text(encoding="utf-8")) == script.imports(), (
        "run Resources/docs/draw_architecture.py"
    )


def test_the_rooms_of_the_code_import_each_other_in_no_circle():
    script = _script("draw_architecture")
    assert script.drawn_arrows(script.imports())
    with pytest.raises(ValueError, match="circle"):
        script.drawn_arrows({"report": ["scene"], "scene": ["report"]})


def test_the_citation_names_this_project_and_its_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    stated = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1]
    assert citation["cff-version"] == "1.2.0"
    assert (citation["title"], citation["license"], citation["version"]) == ("MedXAI", "Apache-2.0", stated)
    assert citation["authors"]


@pytest.fixture(scope="module")
def plugin_folder(tmp_path_factory):
    """A folder with every complete example of CONTRIBUTING.md, under the name in the example's first line."""
    folder = tmp_path_factory.mktemp("plugins")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name, code in re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, re.S):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")
    return folder


def _with_plugins(folder, *arguments, cwd):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "MEDXAI_PLUGINS": str(folder), "PYTHONPATH": str(ROOT / "MedXAI")},
        capture_output=True,
        encoding="utf-8",
    )


def test_the_explainers_that_contributing_shows_run_as_they_stand_there(plugin_folder, tmp_path):
    code = (
        "from medxai import Engine, ExplainRequest, ModelChoice, make_phantom\n"
        "request = ExplainRequest.of_slice(make_phantom().volume, 'axial', 20, model=ModelChoice('demo'))\n"
        "for key in ('edges', 'brightness'):\n"
        "    for found in Engine().compare(request, (40, 60, 120, 130), key):\n"
        "        assert found.values.max() > found.values.min()\n"
        "        print(found.map_id)\n"
    )
    done = _with_plugins(plugin_folder, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["edges", "brightness/bright", "brightness/dark"]


def test_the_model_that_contributing_shows_is_recognised_by_its_tensors(plugin_folder, tmp_path):
    code = (
        "from medxai.models.registry import families, family_recognising\n"
        "assert 'ultrasound-sam' in [family.key for family in families()]\n"
        "print(family_recognising({'ultrasound.version', 'image_encoder.pos_embed'}).key)\n"
    )
    done = _with_plugins(plugin_folder, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "ultrasound-sam"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.ipynb")))
def test_a_notebook_runs_from_its_first_cell_to_its_last(name):
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    notebook = _script("run_notebooks").executed(DOCS / name)
    shown = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert any(kind.startswith("image/") for kind in shown)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="sphinx is not installed")
    pytest.importorskip("myst_nb", reason="myst-nb is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-c", str(DOCS), str(ROOT / "Resources"), str(tmp_path)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "saliency map" in (tmp_path / "docs" / "maps.html").read_text(encoding="utf-8")
