"""Colour legends of the overlays, as Slicer's Colors module draws them."""

from collections.abc import Hashable, Mapping, Sequence

import slicer

from ..explainers.registry import map_info
from ..maps import CONTOUR, MapInfo
from .views import composite_of

#: A flat legend at the lower edge, where an axial slice has air or the table; as shares of the view.
_POSITION = (0.5, 0.02)
#: Of a legend that lies, Slicer takes the first number for its thickness and the second for its length.
_SIZE = (0.09, 0.5)
_LABELS = 3
_KINDS = 3
_FONT_PX = 12


def add_legend(node: "slicer.vtkMRMLDisplayableNode", info: MapInfo) -> "slicer.vtkMRMLColorLegendDisplayNode | None":
    """A colour legend for an overlay, beside the body, with what its sign means; an existing one is used again."""
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is None:
        return None
    legend.SetTitleText(f"MedXAI {info.title}" + (f"\n{info.sign}" if info.sign else ""))
    legend.SetLabelFormat("%.2f")
    legend.SetNumberOfLabels(_LABELS)
    legend.SetOrientation(legend.Horizontal)
    legend.SetPosition(*_POSITION)
    legend.SetSize(*_SIZE)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(_FONT_PX)
    return legend


def add_contour_legend(node: "slicer.vtkMRMLModelNode") -> "slicer.vtkMRMLColorLegendDisplayNode | None":
    """A legend of the contour check's kinds, for one of its models; a kind's colour with its name, without width and dash."""
    legend = add_legend(node, CONTOUR)
    if legend is not None:
        legend.SetUseColorNamesForLabels(True)
        legend.SetLabelFormat("%s")
        legend.SetMaxNumberOfColors(_KINDS)
        legend.SetNumberOfLabels(_KINDS)
    return legend


def _show_only_in(legend: "slicer.vtkMRMLColorLegendDisplayNode", view: "slicer.vtkMRMLSliceNode") -> None:
    """Models are in all views, and so would their legend be."""
    if [legend.GetNthViewNodeID(index) for index in range(legend.GetNumberOfViewNodeIDs())] != [view.GetID()]:
        legend.RemoveAllViewNodeIDs()
        legend.AddViewNodeID(view.GetID())


class Legends:
    """Which overlays' legends are drawn: those of the maps that are seen, while their slice is shown."""

    def __init__(self) -> None:
        self._slice: Hashable = None
        self._shown: list[slicer.vtkMRMLColorLegendDisplayNode] = []
        self._where: Hashable = None

    def of_slice(self, slice_key: Hashable) -> None:
        """The maps belong to this slice."""
        self._slice = slice_key

    def show(
        self,
        overlays: "Mapping[str, slicer.vtkMRMLDisplayableNode]",
        wanted: Sequence[str],
        view: "slicer.vtkMRMLSliceNode | None",
    ) -> None:
        """Draws the legends of the wanted maps and no others.

        Args:
            overlays: The maps by key, and a model of the contour check; the views hold them already.
            wanted: Keys.
            view: The explained view; with its map the place of the legend changes.
        """
        self._shown = []
        for key, node in overlays.items():
            legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
            if legend is None and key in wanted:
                legend = add_contour_legend(node) if key == CONTOUR.key else add_legend(node, map_info(key))
            if legend is not None:
                if key == CONTOUR.key and view is not None:
                    _show_only_in(legend, view)
                legend.SetVisibility(key in wanted)
                if key in wanted:
                    self._shown.append(legend)
        where = tuple(wanted), composite_of(view).GetForegroundVolumeID() if view is not None else None
        if where != self._where:  # a legend that was visible already has to be looked at again
            self._where = where
            for legend in self._shown:
                legend.Modified()

    def follow_slice(self, slice_key: Hashable) -> None:
        """The explained view shows this slice now; a legend without its map would only confuse."""
        for legend in self._shown:
            if legend.GetScene() is not None:
                legend.SetVisibility(self._slice is None or slice_key == self._slice)

    def forget(self) -> None:
        """The scene closes."""
        self._shown, self._slice, self._where = [], None, None
