"""The saliency colour table: inferno, transparent where a map is low."""

import matplotlib
import numpy as np
import slicer

_NAME = "MedXAI saliency"
_ATTRIBUTE = "MedXAI.ColorTable"
_ENTRIES = 256


def saliency_colour_node(scene: "slicer.vtkMRMLScene") -> "slicer.vtkMRMLColorTableNode":
    """The scene's own table, made once: inferno, alpha rising from 0 to 1 over the lower two thirds."""
    known = scene.GetNodesByClass("vtkMRMLColorTableNode")
    known.UnRegister(None)
    for index in range(known.GetNumberOfItems()):
        if known.GetItemAsObject(index).GetAttribute(_ATTRIBUTE):
            return known.GetItemAsObject(index)
    node = slicer.vtkMRMLColorTableNode()
    node.SetName(_NAME)
    node.SetTypeToUser()
    node.SetNumberOfColors(_ENTRIES)
    node.SetHideFromEditors(False)
    alpha = np.clip(np.linspace(0, 1.5, _ENTRIES), 0, 1)
    for index, (red, green, blue, _) in enumerate(matplotlib.colormaps["inferno"](np.linspace(0, 1, _ENTRIES))):
        node.SetColor(index, f"{index / (_ENTRIES - 1):.3f}", red, green, blue, alpha[index])
    node = scene.AddNode(node)
    node.SetAttribute(_ATTRIBUTE, "1")
    return node
