"""The colour maps that a reader can choose for the overlays, each transparent where a map is low."""

import matplotlib
import numpy as np
import slicer

from .colours import saliency_colour_node

_ATTRIBUTE = "MedXAI.ColourMap"
_ENTRIES = 256

#: Names of matplotlib's maps, all of rising lightness, so that they can be read without seeing hues.
COLOUR_MAPS = ("inferno", "viridis", "cividis", "gray")


def colour_node_of(scene: "slicer.vtkMRMLScene", name: str) -> "slicer.vtkMRMLColorTableNode":
    """The scene's table of that map, made once; inferno where the name is unknown."""
    if name not in COLOUR_MAPS[1:]:
        return saliency_colour_node(scene)
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        known = scene.GetNthNodeByClass(index, "vtkMRMLColorTableNode")
        if known.GetAttribute(_ATTRIBUTE) == name:
            return known
    node = slicer.vtkMRMLColorTableNode()
    node.SetName(f"MedXAI {name}")
    node.SetTypeToUser()
    node.SetNumberOfColors(_ENTRIES)
    node.SetHideFromEditors(False)
    share = np.linspace(0, 1, _ENTRIES)
    for index, (red, green, blue, _) in enumerate(matplotlib.colormaps[name](share)):
        node.SetColor(index, f"{share[index]:.3f}", red, green, blue, min(2 * share[index], 1.0))
    node.SetAttribute(_ATTRIBUTE, name)
    return scene.AddNode(node)
