"""Puts the stand-ins where MedXAI imports them from: `qt`, `ctk` and the parts of `slicer` that slicer-core lacks."""

import ctypes
import importlib.util
import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import slicer.util  # slicer imports all of its path at once, so it comes before the path grows
import vtk
from PySide6 import QtWidgets

from . import event_loop, parameter_node, qt_module, scripted_module

#: A checkout of Slicer's sources, whose own Python then takes the place of the stand-ins for it.
SLICER_SOURCE = os.environ.get("MEDXAI_SLICER_SOURCE")


def _spare_references() -> None:
    """Newer PySide (6.12) gives back one reference to None or True too many in every call of a slot, which ends Python 3.11
    after some thousand calls, at the latest when it shuts down; from 3.12 on these objects live for ever."""
    if sys.version_info < (3, 12):
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1_000_000_000


class LayoutManager:
    """Gives the logics of the scene's slice views."""

    def mrmlSliceLogics(self) -> vtk.vtkCollection:
        collection = vtk.vtkCollection()
        scene = slicer.mrmlScene
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLScene(scene)
            logic.SetSliceNode(scene.GetNthNodeByClass(index, "vtkMRMLSliceNode"))
            collection.AddItem(logic)
        return collection


class ModuleManager:
    """Knows the one module, and the frame of its widget where a test has opened it."""

    frame: Any = None

    def module(self, name: str) -> types.SimpleNamespace | None:
        return types.SimpleNamespace(widgetRepresentation=lambda: ModuleManager.frame) if name == "MedXAI" else None


class StatusBar:
    """The main window's status bar; while the main thread works, only what is repainted is seen."""

    def __init__(self):
        self._text = ""
        self.seen: list[str] = []

    def showMessage(self, text: str, _milliseconds: int = 0) -> None:
        self._text = text

    def repaint(self) -> None:
        self.seen.append(self._text)


class MainWindow:
    """Slicer's main window, as `slicer.util.mainWindow` finds it."""

    objectName = "qSlicerMainWindow"

    def __init__(self):
        self.bar = StatusBar()

    def statusBar(self) -> StatusBar:
        return self.bar


class Application:
    """`slicer.app` in testing mode; what MedXAI does not use raises."""

    applicationName = "Slicer"

    def __init__(self):
        self.at_start: list[Callable] = []
        self.windows: list[MainWindow] = [MainWindow()]

    def testingEnabled(self) -> bool:
        return True

    def topLevelWidgets(self) -> list[MainWindow]:
        return self.windows

    def processEvents(self) -> None:
        event_loop.process_events()

    def moduleManager(self) -> "ModuleManager":
        return ModuleManager()

    def layoutManager(self) -> LayoutManager:
        return LayoutManager()

    def connect(self, signal: str, slot: Callable) -> None:
        if signal != "startupCompleted()":
            raise AttributeError(f"slicer.app has no signal {signal!r} in the surface that MedXAI may use")
        self.at_start.append(slot)


def install(settings_folder: Path) -> QtWidgets.QApplication:
    """Makes the modules; may be called again, for new settings. Returns the Qt application, which has to be kept."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["MedXAI"])
    qt_module.SETTINGS_FILE = settings_folder / "settings.ini"
    if "qt" in sys.modules:
        return application
    _spare_references()
    sys.modules["qt"], sys.modules["ctk"] = qt_module.qt_module(), qt_module.ctk_module()
    for name, widget in qt_module.slicer_widgets().items():
        setattr(slicer, name, widget)
    slicer.app = Application()
    slicer.modules = types.SimpleNamespace(medxai=types.SimpleNamespace(path=str(scripted_module.MODULE_PATH)))
    _module("slicer.i18n", tr=scripted_module.translated, translate=scripted_module.translated_in)
    names = (
        "ScriptedLoadableModule",
        "ScriptedLoadableModuleWidget",
        "ScriptedLoadableModuleLogic",
        "ScriptedLoadableModuleTest",
    )
    _module("slicer.ScriptedLoadableModule", **{name: getattr(scripted_module, name) for name in names})
    if SLICER_SOURCE:
        _slicers_own("parameterNodeWrapper")
    else:
        _module(
            "slicer.parameterNodeWrapper",
            parameterNodeWrapper=parameter_node.parameterNodeWrapper,
            WithinRange=parameter_node.WithinRange,
        )
    return application


def _module(name: str, **contents: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    setattr(slicer, name.rpartition(".")[2], module)


def _slicers_own(package: str) -> None:
    """Slicer's own Python package, with a `qt`, `ctk` and `slicer` that also have the classes which it merely mentions."""
    folder = Path(SLICER_SOURCE) / "Base" / "Python" / "slicer" / package
    strict = {name: sys.modules[name] for name in ("qt", "ctk")}
    for name, module in strict.items():
        sys.modules[name] = _Lenient(module)
    for name in set(re.findall(r"\bslicer\.(q\w+)", "".join(file.read_text() for file in folder.glob("*.py")))):
        if not hasattr(slicer, name):
            setattr(slicer, name, type(name, (), {}))
    spec = importlib.util.spec_from_file_location(
        f"slicer.{package}", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules.update(strict)
    setattr(slicer, package, module)


class _Lenient(types.ModuleType):
    """A module with every class that is asked for; those of the strict one are the same objects."""

    def __init__(self, strict: types.ModuleType):
        super().__init__(strict.__name__)
        self.__dict__.update(vars(strict))

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, type(name, (), {}))
        return getattr(self, name)
