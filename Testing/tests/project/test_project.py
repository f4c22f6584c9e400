"""The project's own rules: layers, complete file lists, README commands, and the statement that goes with every map."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from file_lists import is_for_slicer
from support.scans import ROOT

MODULE = ROOT / "MedXAI"


def imports_of(path):
    """The top-level names that a file imports anywhere, and those of them at file scope."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    anywhere = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            anywhere |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            anywhere.add(node.module.split(".")[0])
    return anywhere


LIBRARY_FILES = sorted(
    path for package in ("medxai", "medxai_lab", "MedXAILib") for path in (MODULE / package).rglob("*.py")
)


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=lambda p: str(p.relative_to(MODULE)))
def test_only_the_scene_knows_slicer_and_only_the_panel_knows_qt(path):
    package = path.relative_to(MODULE).parts[:2]
    found = imports_of(path)
    if package not in (("medxai", "scene"), ("MedXAILib", "panel")):
        assert "slicer" not in found
    if package != ("MedXAILib", "panel"):
        assert not found & {"qt", "ctk"}
    assert "PythonQt" not in found


def test_the_module_loads_before_its_packages_are_installed():
    tree = ast.parse((MODULE / "MedXAI.py").read_text(encoding="utf-8"))
    at_file_scope = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    allowed = {
        "slicer",
        "vtk",
        "SimpleITK",
        "numpy",
        "scipy",
        "logging",
        "os",
        "pathlib",
        "sys",
        "unittest",
        "qt",
        "ctk",
        "typing",
    }
    assert at_file_scope <= allowed


def cmake_list(name):
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "MedXAI")
    return set(re.search(rf"set\({name}\s(.*?)\)", text, re.DOTALL).group(1).split())


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "MedXAI"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return {Path(name).relative_to("MedXAI") for name in listed if is_for_slicer(name)}


def test_the_build_lists_every_file_that_slicer_needs_and_no_other():
    scripts, resources = cmake_list("MODULE_PYTHON_SCRIPTS"), cmake_list("MODULE_PYTHON_RESOURCES")
    files = tracked()
    assert scripts == {str(path) for path in files if path.suffix == ".py"}
    assert resources == {str(path) for path in files if path.suffix != ".py"}


def readme_command(heading):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(rf"^## {heading}$.*?^```\w*\n(.*?)\n", text, re.MULTILINE | re.DOTALL).group(1)


def test_the_readme_has_its_two_commands_and_ci_calls_the_second():
    assert ".venv/bin/medxai" in readme_command("Try it")
    assert "pytest" in readme_command("Test it")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "## Test it" in script
    assert "eval" in script


def test_every_picture_and_page_that_the_texts_name_is_there():
    for page in [ROOT / "README.md", *(ROOT / "Resources").rglob("*.md")]:
        for target in re.findall(
            r"!\[[^\]]*\]\(([^)]+)\)|\]\(((?!https?:|#)[^)]+)\)", page.read_text(encoding="utf-8")
        ):
            name = (target[0] or target[1]).split("#")[0]
            if name.startswith("docs/api/"):
                continue  # the build of the site writes these pages
            assert (page.parent / name).exists(), f"{page.name} points to {name}"
