"""The form itself: whole, explained, reachable by keyboard, and bound to parameters that exist."""

import ast
import re
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from support.scans import ROOT

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")


from stand_ins.install import install
from stand_ins.surface import SURFACES

FORM = ROOT / "MedXAI" / "Resources" / "UI" / "MedXAI.ui"
PANEL = ROOT / "MedXAI" / "MedXAILib" / "panel"
INTERACTIVE = {"QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QSlider", "QSpinBox", "qMRMLNodeComboBox"}


@pytest.fixture(scope="module")
def widgets() -> dict[str, ElementTree.Element]:
    return {widget.get("name"): widget for widget in ElementTree.parse(FORM).iter("widget")}


def text_of(widget: ElementTree.Element, name: str) -> str:
    found = widget.find(f"property[@name='{name}']/string")
    return (found.text or "") if found is not None else ""


def interactive(widgets: dict[str, ElementTree.Element]) -> list[str]:
    return [name for name, widget in widgets.items() if widget.get("class") in INTERACTIVE]


def test_everything_that_can_be_used_says_what_it_does(widgets) -> None:
    silent = [name for name in interactive(widgets) if len(text_of(widgets[name], "toolTip")) < 15]
    assert not silent


def test_the_keyboard_reaches_everything_in_the_order_of_the_form(widgets) -> None:
    tabs = [tab.text for tab in ElementTree.parse(FORM).iter("tabstop")]
    assert sorted(tabs) == sorted(interactive(widgets))
    in_form = [name for name in widgets if name in set(tabs)]
    moved = [name for name, wanted in zip(tabs, in_form, strict=True) if name != wanted]
    assert not moved, f"the tab order leaves the order of the form at {moved[:3]}"


def test_every_list_and_slider_has_a_label_that_leads_to_it(widgets) -> None:
    buddies = {widget.findtext("property[@name='buddy']/cstring") for widget in widgets.values()}
    fields = {
        name
        for name in interactive(widgets)
        if widgets[name].get("class") in {"QComboBox", "QSlider", "QSpinBox", "qMRMLNodeComboBox"}
    }
    assert fields <= buddies


def test_shortcuts_are_unique_and_leave_slicers_menus_alone(widgets) -> None:
    keys = [key.lower() for widget in widgets.values() for key in re.findall(r"&(\w)", text_of(widget, "text"))]
    assert len(keys) == len(set(keys)), sorted(keys)
    assert not set(keys) & set("fevh"), "File, Edit, View and Help are Slicer's"


def test_the_form_uses_only_classes_of_the_surface_and_binds_parameters_that_exist(widgets, tmp_path: Path) -> None:
    assert {widget.get("class") for widget in widgets.values()} <= set(SURFACES)
    install(tmp_path)
    from MedXAILib.panel.parameter_node import MedXAIParameterNode

    bound = {
        name: text_of(widget, "SlicerParameterName")
        for name, widget in widgets.items()
        if text_of(widget, "SlicerParameterName")
    }
    assert set(bound.values()) <= set(typing.get_type_hints(MedXAIParameterNode)) and len(set(bound.values())) == len(
        bound
    )


def test_node_selectors_leave_nothing_to_slicers_defaults(widgets) -> None:
    for name, widget in widgets.items():
        if widget.get("class") == "qMRMLNodeComboBox":
            given = {p.get("name") for p in widget.findall("property")}
            assert {
                "nodeTypes",
                "showHidden",
                "showChildNodeTypes",
                "noneEnabled",
                "addEnabled",
                "removeEnabled",
                "renameEnabled",
                "editEnabled",
            } <= given, name


def test_the_scene_reaches_every_node_selector(widgets) -> None:
    wired = {connection.findtext("receiver") for connection in ElementTree.parse(FORM).iter("connection")}
    assert wired == {name for name, widget in widgets.items() if widget.get("class") == "qMRMLNodeComboBox"}


@pytest.mark.parametrize(
    "path", [p for p in sorted(PANEL.glob("*.py")) if not p.name.startswith("self_test")], ids=lambda p: p.name
)
def test_every_sentence_can_be_translated(path: Path) -> None:
    """What a user may read (a text with a space in it, not a docstring, not logged) goes through `_`, and no f-string does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
            assert not any(isinstance(a, ast.JoinedStr) for a in node.args), (
                f"line {node.lineno}: an f-string cannot be translated"
            )
            allowed |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("exception", "connect"):
            allowed |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            allowed.add(id(node.value))
    untranslated = [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant)
        and isinstance(n.value, str)
        and re.search(r"\w\s\w", n.value)
        and id(n) not in allowed
    ]
    assert untranslated == [value for value in untranslated if value in ("as shown",)]


def test_states_are_told_by_signs_not_by_colour() -> None:
    assert "color:" not in FORM.read_text(encoding="utf-8") and "styleSheet" not in FORM.read_text(encoding="utf-8")
    for path in PANEL.glob("*.py"):
        assert "styleSheet" not in path.read_text(encoding="utf-8") and "setStyleSheet" not in path.read_text(
            encoding="utf-8"
        )
