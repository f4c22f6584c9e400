"""The documentation site.

    .venv/bin/python -m pip install -e ".[docs]"
    .venv/bin/sphinx-build -W -c Resources/docs Resources build/site

The sources are the pages of this folder and the tables beside it; the API reference is made from the docstrings.
"""

import pkgutil
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "MedXAI"))

import medxai

project = "MedXAI"
author = "The MedXAI founders"
project_copyright = "The MedXAI founders, Apache-2.0"
release = version = medxai.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
include_patterns = [
    "index.md",
    "docs/**.md",
    "docs/*.ipynb",
    "benchmarks/*.md",
    "evidence/*/summary.md",
    "evidence/mask_check/*.md",
    "failure_cases/*.md",
]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebooks keep what they showed; a test runs them
# Docstrings are written for people who read the code: `name` in single quotes is code there.
default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_use_type_comments = False  # there are none, and looking for them takes a twentieth of the build
autodoc_default_options = {"members": True, "ignore-module-all": True}
# Slicer and Qt are not needed to read what a function does.
autodoc_mock_imports = ["slicer", "vtk", "qt", "ctk", "openvino", "pytorch_grad_cam", "captum", "xaitk_saliency"]
# A room's page lists its modules at the side. With every method in it, the list was copied for each page: a sixth of the build.
toc_object_entries = False
napoleon_use_ivar = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "MedXAI"
html_logo = str(ROOT / "MedXAI.png")
html_show_sourcelink = False
html_theme_options = {"source_repository": "https://github.com/MedXAI/SlicerMedXAI", "source_branch": "main"}

#: Rooms of the library in the order of the data's way; `medxai` itself comes first, rooms not named here last.
_ORDER = (
    "volume",
    "slice",
    "model_input",
    "models",
    "encoding",
    "segmentation",
    "contour",
    "explainers",
    "through_slices",
    "metrics",
    "report",
    "scene",
)
#: A room of the command line, whose reference is its own help.
_LEFT_OUT = {"cli"}


def write_api_pages(folder: Path) -> None:
    """One page a room with every module in it, so that a new file is in the reference without another line."""
    folder.mkdir(exist_ok=True)
    own = [module.name for module in pkgutil.iter_modules(medxai.__path__) if not module.ispkg]
    pages = {"medxai": ["medxai", *(f"medxai.{name}" for name in own)]}
    rooms = {module.name for module in pkgutil.iter_modules(medxai.__path__) if module.ispkg} - _LEFT_OUT
    for room in sorted(rooms, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
        found = pkgutil.walk_packages([str(ROOT / "MedXAI" / "medxai" / room)], f"medxai.{room}.")
        pages[f"medxai.{room}"] = [f"medxai.{room}", *(module.name for module in found)]
    for page, modules in pages.items():
        _write(folder / f"{page}.md", _api_page(page, modules))
    listed = "\n".join(pages)
    _write(
        folder / "index.md",
        "# Python reference\n\nMade from the docstrings. The public names stand in `medxai`; begin there.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n",
    )
    for stale in {path.name for path in folder.glob("*.md")} - {f"{page}.md" for page in pages} - {"index.md"}:
        (folder / stale).unlink()


def _api_page(title: str, modules: list[str]) -> str:
    parts = [f"# {title}"]
    for module in modules:
        heading = [] if module == title else [f"## {module.removeprefix('medxai.')}"]
        options = "   :no-members:\n" if module == "medxai" else ""
        parts += [*heading, f"```{{eval-rst}}\n.. automodule:: {module}\n{options}```"]
    return "\n\n".join(parts) + "\n"


def _write(path: Path, text: str) -> None:
    """Leaves an unchanged file alone, so that only what changed is built again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


class _Docstrings:
    """Keeps marks in docstrings and comments as they are meant."""

    def __init__(self):
        self._lines: list[str] = []

    def remember(self, _app, _what, _name, _object, _options, lines: list[str]) -> None:
        self._lines = list(lines)

    def mend(self, _app, what, _name, _object, _options, lines: list[str]) -> None:
        if what in ("data", "attribute"):  # napoleon takes the comment of a constant for 'type: description'
            lines[:] = self._lines
        lines[:] = [re.sub(r"(?<=\w)_(?!\w)", r"\\_", line) for line in lines]  # 'global_' is no link


def setup(app) -> None:
    docstrings = _Docstrings()
    app.connect("builder-inited", lambda app: write_api_pages(FOLDER / "api"))
    app.connect("autodoc-process-docstring", docstrings.remember, priority=400)
    app.connect("autodoc-process-docstring", docstrings.mend, priority=600)
