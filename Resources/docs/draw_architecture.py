"""Draws which room of the code imports which, from the code itself: architecture.svg and architecture.json.

    .venv/bin/python Resources/docs/draw_architecture.py

A room is a package, or one of the few modules that stand alone. An arrow means "imports"; one that follows from others
(the report imports the engine, the engine the models, so the report reaches the models anyway) is left out of the
drawing and kept in the JSON. Imports for type checkers alone are not counted.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import networkx as nx
from matplotlib.patches import FancyBboxPatch

FOLDER = Path(__file__).resolve().parent
CODE = FOLDER.parents[1] / "MedXAI"
DRAWING, DATA = FOLDER / "architecture.svg", FOLDER / "architecture.json"

#: What belongs to a room of another name; modules that stand directly in `medxai` and are not named here are basics.
_ALONE = {
    "engine": "engine",
    "request": "engine",
    "result_warnings": "engine",
    "mask_check": "engine",
    "presence": "engine",
    "organs_on_slice": "engine",
    "through_slices": "engine",
    "results": "results",
    "provenance": "engine",
    "map_view": "results",
}
#: What a room is for, in a few words; rooms of one row are drawn in this order, from left to right.
ROOMS = {
    "MedXAILib.panel": "Qt: shows a session",
    "cli": "one file a command",
    "medxai_lab": "cohorts, failure cases, training",
    "MedXAILib.session": "the panel's state and rules",
    "scene": "Slicer's scene (MRML)",
    "report": "pictures, record, page",
    "dicom_out": "DICOM objects",
    "metrics": "how a map is judged",
    "engine": "goes the whole way",
    "explainers": "one file a method or baseline",
    "contour": "which stretch to check",
    "segmentation": "prompts, decoder, attention",
    "encoding": "features, cache, backends",
    "models": "one file a model family",
    "model_input": "window, contrast, frame",
    "slice": "planes, slices, boxes",
    "volume": "reading, modality, phantom",
    "results": "immutable, without torch",
    "basics": "errors, progress, map names",
}
_COLOURS = {"MedXAILib": "#dfe7f5", "medxai_lab": "#eee3f3", "medxai": "#e3f0e4"}


def room_of(module: str) -> str | None:
    """The room of a module's full name; None for what is not MedXAI's."""
    package, _, rest = module.partition(".")
    first = rest.split(".")[0]
    if package == "medxai_lab":
        return package
    if package == "MedXAILib":
        return f"MedXAILib.{first}" if first else None
    if package != "medxai" or not first:
        return None
    is_room = (CODE / "medxai" / first).is_dir() and first not in _ALONE
    return first if is_room else _ALONE.get(first, "basics")


def imports() -> dict[str, list[str]]:
    """By room, the other rooms that it imports, both sorted."""
    found: dict[str, set[str]] = {}
    for path in sorted(CODE.rglob("*.py")):
        module = ".".join(path.relative_to(CODE).with_suffix("").parts).removesuffix(".__init__")
        room = room_of(module)
        if room is None:
            continue
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        named = (room_of(name) for name in _imported(ast.parse(path.read_text(encoding="utf-8")), package))
        found.setdefault(room, set()).update(name for name in named if name is not None)
    return {room: sorted(others - {room}) for room, others in sorted(found.items())}


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Full names of the modules that a syntax tree imports at run time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - child.level + 1]) if child.level else ""
            module = ".".join(filter(None, (base, child.module)))
            # `from . import registry` names modules, `from .registry import make` a module and what is in it.
            yield from ([module] if child.module else [f"{module}.{alias.name}" for alias in child.names])
        else:
            yield from _imported(child, package)


def drawn_arrows(data: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The arrows that do not follow from others. Raises ValueError where rooms import each other in a circle."""
    graph = nx.DiGraph((room, other) for room, others in data.items() for other in others)
    if not nx.is_directed_acyclic_graph(graph):
        raise ValueError(f"rooms import each other in a circle: {nx.find_cycle(graph)}")
    return sorted(nx.transitive_reduction(graph).edges)


def places(arrows: list[tuple[str, str]]) -> dict[str, tuple[float, int]]:
    """Where each room stands: x within its row, and its row, counted from the bottom; every arrow points down."""
    graph = nx.DiGraph(arrows)
    row = dict.fromkeys(graph, 0)
    for room in reversed(list(nx.topological_sort(graph))):
        row[room] = max((row[other] + 1 for other in graph.successors(room)), default=0)
    where = {}
    for level in set(row.values()):
        here = [room for room in ROOMS if row.get(room) == level]
        where.update({room: (n - (len(here) - 1) / 2, level) for n, room in enumerate(here)})
    return where


def draw(data: dict[str, list[str]], path: Path) -> None:
    arrows = drawn_arrows(data)
    where = places(arrows)
    width, height, across, down = 2.5, 0.62, 2.9, 1.05
    rows = max(level for _, level in where.values())
    plt.rcParams.update({"svg.hashsalt": "medxai", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(9, 0.95 * (rows + 1)))
    for room, (x, level) in where.items():
        colour = _COLOURS[room.split(".")[0] if room.split(".")[0] in _COLOURS else "medxai"]
        corner = (x * across - width / 2, level * down - height / 2)
        axes.add_patch(
            FancyBboxPatch(corner, width, height, "round,pad=0.02", fc=colour, ec="#555555", lw=0.8, zorder=2)
        )
        axes.text(x * across, level * down + 0.12, room, ha="center", va="center", weight="bold", size=10, zorder=3)
        axes.text(x * across, level * down - 0.15, ROOMS[room], ha="center", va="center", size=8, zorder=3)
    for room, other in arrows:
        (x0, from_level), (x1, to_level) = where[room], where[other]
        # An arrow past other rows leaves near the target's own column, and so goes through the gaps between rooms.
        is_far = from_level - to_level > 1
        start = x0 * across + (max(-width, min(width, 2 * (x1 - x0) * across)) / 2 if is_far else 0)
        axes.annotate(
            "",
            (x1 * across, to_level * down + height / 2 + 0.03),
            (start, from_level * down - height / 2 - 0.03),
            arrowprops={"arrowstyle": "-|>", "color": "#777777", "lw": 0.9, "shrinkA": 0, "shrinkB": 0},
            zorder=1,
        )
    reach = max(abs(x) for x, _ in where.values()) * across + width / 2 + 0.6
    axes.set(xlim=(-reach, reach), ylim=(-0.6, rows * down + 0.6))
    axes.axis("off")
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None}, facecolor="white")
    plt.close(figure)


def main() -> None:
    data = imports()
    DATA.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    draw(data, DRAWING)
    print(f"Written: {DRAWING.name} and {DATA.name}.")


if __name__ == "__main__":
    main()
