"""The list of everything that the panel uses of Qt, CTK and Slicer, against Qt itself and the headers of the other two."""

import os
import re
from pathlib import Path

import pytest

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from stand_ins import pythonqt
from stand_ins.install import install
from stand_ins.surface import SURFACES, whole

QT_CLASSES = {
    name: cls
    for name in SURFACES
    for cls in [
        getattr(QtWidgets, name, None)
        or getattr(QtCore, name, None)
        or getattr(QtGui, name, None)
        or getattr(QtUiTools, name, None)
    ]
    if cls is not None
}
SLICER_SOURCE, CTK_SOURCE = os.environ.get("MEDXAI_SLICER_SOURCE"), os.environ.get("MEDXAI_CTK_SOURCE")


@pytest.mark.parametrize("name", QT_CLASSES)
def test_qt_has_everything_that_the_list_names(name: str, tmp_path: Path) -> None:
    application = install(tmp_path)
    assert application is not None
    cls, surface = QT_CLASSES[name], whole(name)
    # Of a new object: PySide's class-wide staticMetaObject does not outlive the first deleted object of the class.
    concrete = QtWidgets.QPushButton if cls is QtWidgets.QAbstractButton else cls
    parents = (QtWidgets.QWidget(),) if cls is QtGui.QShortcut else ()
    subject = concrete(*parents) if surface.properties or surface.signals else None
    meta = subject.metaObject() if subject is not None else None
    for prop in surface.properties:
        assert meta.indexOfProperty(prop) >= 0, f"{name} has no property {prop}"
    for signal in surface.signals:
        assert meta.indexOfSignal(signal) >= 0 or meta.indexOfSignal(signal.replace("()", "(QPrivateSignal)")) >= 0, (
            f"{name} has no signal {signal}"
        )
    for method in surface.methods:
        if method != "className":
            assert callable(getattr(cls, method)), f"{name} has no method {method}"


@pytest.mark.parametrize("name", [name for name, surface in SURFACES.items() if surface.header])
def test_slicers_and_ctks_headers_have_everything_that_the_list_names(name: str) -> None:
    surface = SURFACES[name]
    root = CTK_SOURCE if name.startswith("ctk") else SLICER_SOURCE
    if not root:
        pytest.skip("needs MEDXAI_SLICER_SOURCE and MEDXAI_CTK_SOURCE, checkouts of Slicer's and CTK's sources")
    header = (Path(root) / surface.header).read_text(encoding="utf-8")
    bases = {"ctkCollapsibleButton": ("text",)}.get(name, ())  # of QAbstractButton, which CTK's button is
    for prop in surface.properties:
        assert prop in bases or re.search(rf"Q_PROPERTY\([^)]*\b{prop}\b READ", header), (
            f"{name} has no property {prop}"
        )
    for signal in surface.signals:
        assert re.search(
            rf"void {signal[: signal.index('(')]}\({re.escape(signal[signal.index('(') + 1 : -1])}", header
        ), f"{name} has no signal {signal}"
    for method in surface.methods:
        assert re.search(rf"\b{method}\(", header), f"{name} has no method {method}"


def test_what_is_not_in_the_list_raises(tmp_path: Path) -> None:
    application = install(tmp_path)
    assert application is not None
    import qt

    label = qt.QLabel()
    label.text = "known"
    assert label.text == "known"
    for attempt in (
        lambda: label.wordWrap,
        lambda: setattr(label, "txet", "typo"),
        lambda: label.connect("clicked(bool)", print),
        lambda: qt.QTextEdit,
    ):
        with pytest.raises(AttributeError):
            attempt()
    spin = qt.QSpinBox()
    with pytest.raises(TypeError):
        spin.value()  # a property, as in PythonQt
    slider = qt.QSlider()
    with pytest.raises(AttributeError):
        slider.connect("valueChanged(double)", print)
    assert isinstance(label, pythonqt.StandIn)


def test_a_node_selector_without_explicit_properties_raises(tmp_path: Path) -> None:
    install(tmp_path)
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    with pytest.raises(AttributeError, match="not set in the .ui"):
        selector.setMRMLScene(slicer.vtkMRMLScene())
