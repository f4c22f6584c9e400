"""`slicer.ScriptedLoadableModule` as far as MedXAI's three classes use it."""

import importlib.util
import sys
import unittest
from pathlib import Path
from typing import Any

import slicer

MODULE_PATH = Path(__file__).parents[2] / "MedXAI" / "MedXAI.py"


class ScriptedLoadableModule:
    """The entry; parent takes title, categories and so on."""

    def __init__(self, parent: Any):
        self.parent = parent

    def resourcePath(self, name: str) -> str:
        return str(MODULE_PATH.parent / "Resources" / name)


class ScriptedLoadableModuleWidget:
    """The panel's base: a parent with a vertical layout."""

    def __init__(self, parent: Any):
        self.parent = parent
        self.layout = parent.layout()

    def resourcePath(self, name: str) -> str:
        return str(MODULE_PATH.parent / "Resources" / name)

    def setup(self) -> None:
        """Slicer puts its developer tools here."""

    def onReload(self) -> None:
        """`slicer.util.reloadScriptedModule` up to the new widget, which `PanelBench.open_module` makes."""
        spec = importlib.util.spec_from_file_location("MedXAI", MODULE_PATH)
        module = importlib.util.module_from_spec(spec)
        sys.modules["MedXAI"] = module
        spec.loader.exec_module(module)
        self.cleanup()


class ScriptedLoadableModuleLogic:
    """Gives the scene's one parameter node of the module."""

    moduleName = "MedXAI"

    def getParameterNode(self) -> "slicer.vtkMRMLScriptedModuleNode":
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            node.SetName(self.moduleName)
            node = scene.AddNode(node)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A unittest case with Slicer's delayDisplay."""

    def delayDisplay(self, message: str, _milliseconds: int = 0) -> None:
        del message


def translated(text: str) -> str:
    """`slicer.i18n.tr` in English."""
    return text


def translated_in(_context: str, text: str) -> str:
    """`slicer.i18n.translate` in English."""
    return text
