"""The colour tables of the overlays, each transparent where a map is low."""

import matplotlib
import numpy as np
import slicer

from ..contour.look import LOOKS
from ..display_range import DisplayRange
from ..diverging_colours import diverging_colours
from .nodes import nodes_of_class

#: Names of matplotlib's maps, all of rising lightness, so that they can be read without seeing hues; the first is the default.
COLOUR_MAPS = ("inferno", "viridis", "cividis", "gray")
#: The table of the contour check's kinds, each colour with its kind's name.
KINDS = "outline kinds"
#: The table of maps whose values below 0 mean the opposite, whatever the user has chosen for the others.
DIVERGING = "blue and orange"
_ATTRIBUTE = "MedXAI.ColourMap"
_ENTRIES = 256


def colour_node_of(scene: "slicer.vtkMRMLScene", name: str = COLOUR_MAPS[0]) -> "slicer.vtkMRMLColorTableNode":
    """The scene's colour table of a map, made once.

    Alpha rises from 0 to 1 over the lower two thirds, so that the anatomy stays visible under low values.

    Args:
        scene: Where the table is.
        name: One of `COLOUR_MAPS`, `DIVERGING` or `KINDS`; inferno where it is unknown.
    """
    name = name if name in (*COLOUR_MAPS, DIVERGING, KINDS) else COLOUR_MAPS[0]
    for known in nodes_of_class(scene, "vtkMRMLColorTableNode"):
        if known.GetAttribute(_ATTRIBUTE) == name:
            return known
    node = slicer.vtkMRMLColorTableNode()
    node.SetName(f"MedXAI {name}")
    node.SetTypeToUser()
    node.SetHideFromEditors(False)
    colours = _colours(name)
    node.SetNumberOfColors(len(colours))
    for index, colour in enumerate(colours):
        title = list(LOOKS.values())[index].title if name == KINDS else f"{index / (_ENTRIES - 1):.3f}"
        node.SetColor(index, title, *colour)
    node.SetAttribute(_ATTRIBUTE, name)
    # A saved scene is read in its order, and Slicer's legend manager looks for the table of a map as soon as the legend is
    # there ("No color node is set in primary display node"), so a table stands before all legends.
    legend = scene.GetFirstNodeByClass("vtkMRMLColorLegendDisplayNode")
    return scene.AddNode(node) if legend is None else scene.InsertBeforeNode(legend, node)


def colour_node_for(
    scene: "slicer.vtkMRMLScene", shown: DisplayRange, name: str = COLOUR_MAPS[0]
) -> "slicer.vtkMRMLColorTableNode":
    """The colour table for a map of a display range: `DIVERGING` where it diverges, else the one of that name."""
    return colour_node_of(scene, DIVERGING if shown.diverges else name)


def _colours(name: str) -> np.ndarray:
    """(entries, 4): red, green, blue and alpha of a table."""
    if name == KINDS:
        return np.array([(*look.rgb, 1.0) for look in LOOKS.values()])
    share = np.linspace(0, 1, _ENTRIES)
    if name == DIVERGING:
        return diverging_colours(share)
    colours = matplotlib.colormaps[name](share)
    colours[:, 3] = np.minimum(1.5 * share, 1.0)
    return colours
