"""What CONTRIBUTING asks for is clean: lint, format, types, who imports whom, and the size of functions."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.scans import ROOT

MOST_LINES, MOST_PARAMETERS = 60, 6
#: Public functions that may have more parameters, each with its reason.
_CONSOLE = "the console's call in Slicer, where every choice is a named argument"
MANY_PARAMETERS = {
    f"MedXAILogic.{name}": _CONSOLE for name in ("explain", "explainOrgans", "explainVolume", "explainOrganVolumes")
}

FILES = [
    ROOT / "MedXAI" / "MedXAI.py",
    *(
        path
        for name in ("medxai", "medxai_lab", "MedXAILib")
        for path in sorted((ROOT / "MedXAI" / name).rglob("*.py"))
    ),
]


def said_by(tool: str, *arguments: str, folder: Path = ROOT) -> str:
    """What a tool complains of; '' where it is content. Skips where the tool is not installed."""
    command = shutil.which(tool, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if command is None:
        pytest.skip(f"needs {tool} of the extra 'test', which is not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "MedXAI")}
    done = subprocess.run([command, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    return done.stdout + done.stderr if done.returncode else ""


def test_the_linter_is_content():
    assert said_by("ruff", "check", ".") == ""


def test_the_format_is_the_formatters():
    assert said_by("ruff", "format", "--check", ".") == ""


@pytest.mark.slow
def test_the_librarys_types_fit():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch, whose types the library's are checked against")
    assert said_by("mypy") == ""  # its own cache: 40 seconds the first time, 5 from then on


def test_every_package_knows_only_those_that_it_may_know():
    assert said_by("lint-imports", "--no-cache", str(ROOT / "pyproject.toml"), folder=ROOT / "MedXAI") == ""


def functions_of(path: Path):
    """(qualified name, definition) of every function and method of a file, those in functions left out."""

    def of(node: ast.AST, inside: str):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from of(child, f"{inside}{child.name}.")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{inside}{child.name}", child

    yield from of(ast.parse(path.read_text(encoding="utf-8")), "")


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def lines_of(function: ast.FunctionDef) -> int:
    """Without the docstring, which may be as long as it needs."""
    first = function.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if is_text else 0)


def parameters_of(function: ast.FunctionDef) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{path.relative_to(ROOT)} {name}": lines_of(function)
        for path in FILES
        for name, function in functions_of(path)
        if lines_of(function) > MOST_LINES
    }
    assert not long


def test_no_public_function_asks_for_too_much():
    found = {
        name: f"{path.relative_to(ROOT)}: {parameters_of(function)}"
        for path in FILES
        for name, function in functions_of(path)
        if is_public(name) and parameters_of(function) > MOST_PARAMETERS
    }
    assert found.keys() == MANY_PARAMETERS.keys(), found
