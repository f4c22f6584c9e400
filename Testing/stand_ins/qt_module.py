"""The modules `qt` and `ctk` as MedXAI sees them."""

import types
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from . import mrml_widgets
from .pythonqt import StandIn, UiLoader, known_class, stand_in_for

#: Where `QSettings()` lives; set by `install`.
SETTINGS_FILE: Path | None = None


class _MrmlStandIn(StandIn):
    """Properties that the stand-in widget keeps itself instead of Qt; inherited ones are Qt's."""

    own = ()

    def _read(self, real: Any, name: str) -> Any:
        return real.get(name) if name in self.own else super()._read(real, name)

    def _write(self, real: Any, name: str, value: Any) -> None:
        if name in self.own:
            real.set(name, value)
        else:
            super()._write(real, name, value)


class _Settings(StandIn):
    def __init__(self):
        object.__setattr__(self, "_real", QtCore.QSettings(str(SETTINGS_FILE), QtCore.QSettings.Format.IniFormat))


class _File(StandIn):
    ReadOnly = QtCore.QIODevice.OpenModeFlag.ReadOnly


class _Loader(StandIn):
    def __init__(self):
        object.__setattr__(self, "_real", UiLoader())

    def _call(self, real: Any, name: str, arguments: list) -> Any:
        tree = ElementTree.parse(arguments[0].fileName())
        connections = list(tree.iter("connection"))
        # Qt knows no MRML types, so these connections are made here; one that names no such signal or slot raises.
        tree.getroot().remove(tree.find("connections"))
        content = QtCore.QBuffer()
        content.setData(ElementTree.tostring(tree.getroot()))
        content.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = real.load(content)
        for connection in connections:
            part = {child.tag: child.text for child in connection}
            sender = (
                widget if part["sender"] == widget.objectName() else widget.findChild(QtWidgets.QWidget, part["sender"])
            )
            receiver = widget.findChild(QtWidgets.QWidget, part["receiver"])
            signal, slot = part["signal"].partition("(")[0], part["slot"].partition("(")[0]
            getattr(sender, signal).connect(getattr(receiver, slot))
        return widget


class FileDialog:
    """Answers file dialogs with what a test has laid ready; a dialog that no test expects raises."""

    answers: list[str] = []

    @classmethod
    def getExistingDirectory(cls, _parent: object, _title: str, _folder: str) -> str:
        return cls.answers.pop(0)

    @classmethod
    def getOpenFileName(cls, _parent: object, _title: str, _folder: str, _filter: str) -> str:
        return cls.answers.pop(0)


class MessageBox:
    """The names that slicer.util mentions before it notices that it is in testing mode, where no box is shown."""

    Ok, Cancel, Yes, No, Question, Critical = (1 << bit for bit in range(6))


class _Icon(StandIn):
    def __init__(self, path: str):
        if not Path(path).is_file():
            raise FileNotFoundError(f"there is no icon {path}")
        object.__setattr__(self, "_real", QtGui.QIcon(path))

    def _alive(self) -> Any:
        return object.__getattribute__(self, "_real")


class _KeySequence(StandIn):
    def __init__(self, keys: str):
        if QtGui.QKeySequence(keys).isEmpty():
            raise ValueError(f"there are no keys {keys!r}")
        object.__setattr__(self, "_real", QtGui.QKeySequence(keys))


def qt_module() -> types.ModuleType:
    """A new `qt` with exactly the classes of the surface."""
    qt = types.ModuleType("qt")
    for name in (
        "QWidget",
        "QFrame",
        "QLabel",
        "QPushButton",
        "QToolButton",
        "QCheckBox",
        "QComboBox",
        "QSlider",
        "QSpinBox",
        "QProgressBar",
        "QVBoxLayout",
    ):
        setattr(qt, name, stand_in_for(name, getattr(QtWidgets, name)))
    stand_in_for("QObject", QtCore.QObject)
    qt.QTimer = stand_in_for("QTimer", QtCore.QTimer)
    qt.QFile = stand_in_for("QFile", QtCore.QFile, _File)
    qt.QUiLoader = stand_in_for("QUiLoader", QtUiTools.QUiLoader, _Loader)
    qt.QSettings = stand_in_for("QSettings", QtCore.QSettings, _Settings)
    qt.QIcon = stand_in_for("QIcon", QtGui.QIcon, _Icon)
    qt.QKeySequence = stand_in_for("QKeySequence", QtGui.QKeySequence, _KeySequence)
    qt.QShortcut = stand_in_for("QShortcut", QtGui.QShortcut)
    qt.QFileDialog = FileDialog
    qt.QMessageBox = MessageBox
    return qt


def ctk_module() -> types.ModuleType:
    """A new `ctk` with exactly the classes of the surface."""
    ctk = types.ModuleType("ctk")
    ctk.ctkCollapsibleButton = _mrml("ctkCollapsibleButton", mrml_widgets.CollapsibleButton, ("collapsed", "text"))
    return ctk


def slicer_widgets() -> dict[str, type]:
    """Slicer's own widget classes, for the module `slicer`."""
    combo = (
        "nodeTypes",
        "showHidden",
        "showChildNodeTypes",
        "noneEnabled",
        "addEnabled",
        "removeEnabled",
        "renameEnabled",
        "editEnabled",
        "noneDisplay",
    )
    return {
        "qMRMLWidget": _mrml("qMRMLWidget", mrml_widgets.MRMLWidget, ()),
        "qMRMLNodeComboBox": _mrml("qMRMLNodeComboBox", mrml_widgets.NodeComboBox, combo),
        "qMRMLSortFilterProxyModel": _mrml(
            "qMRMLSortFilterProxyModel", mrml_widgets.SortFilterProxyModel, ("hiddenNodeIDs",)
        ),
        "qSlicerScriptedLoadableModuleWidget": _mrml(
            "qSlicerScriptedLoadableModuleWidget", mrml_widgets.ModuleWidget, ("isEntered",)
        ),
    }


def _mrml(name: str, qt_class: type, own: tuple[str, ...]) -> type[StandIn]:
    made = stand_in_for(name, qt_class, type(f"_{name}", (_MrmlStandIn,), {"own": own}))
    known_class(qt_class.__name__, made)
    if name in ("qMRMLWidget", "qMRMLNodeComboBox", "ctkCollapsibleButton"):
        UiLoader.custom[name] = qt_class
    return made
