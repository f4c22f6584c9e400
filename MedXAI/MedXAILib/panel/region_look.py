"""How a region is drawn: an outline that leaves the anatomy to be seen, and handles only where they are wanted."""

from collections.abc import Callable

import numpy as np
import slicer

from .watching import Watch

#: The mouse is near a box within this share of the box's longest side.
_NEAR_SHARE = 0.25


def style(region: "slicer.vtkMRMLMarkupsROINode") -> None:
    """An outline without the region's name, with handles to drag it by."""
    display = region.GetDisplayNode()
    if display is None:
        return
    display.SetFillVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetHandlesInteractive(True)
    display.SetRotationHandleVisibility(False)
    _show_handles(region, True)


class RegionHandles:
    """Hides the handles of the chosen region while its maps are looked at, and shows them when the mouse comes near.

    Args:
        scene: Whose crosshair tells where the mouse is.
        chosen: Gives the chosen region, or None.
        has_maps: Whether maps are shown that the handles would cover.
    """

    def __init__(
        self,
        scene: "slicer.vtkMRMLScene",
        chosen: "Callable[[], slicer.vtkMRMLMarkupsROINode | None]",
        has_maps: Callable[[], bool],
    ):
        self._scene = scene
        self._chosen = chosen
        self._has_maps = has_maps
        self._watch = Watch(self.update, lambda node: (node.CursorPositionModifiedEvent,))

    def follow_mouse(self, is_on: bool) -> None:
        """Follows the mouse while the module is open."""
        crosshair = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode") if is_on else None
        self._watch.follow([crosshair])

    def stop(self) -> None:
        """Follows nothing any more."""
        self._watch.stop()

    def update(self) -> None:
        """Shows or hides the handles, as the mouse and the maps are now."""
        region = self._chosen()
        if region is not None and region.GetDisplayNode() is not None:
            _show_handles(region, not self._has_maps() or self._is_near(region))

    def _is_near(self, region: "slicer.vtkMRMLMarkupsROINode") -> bool:
        crosshair = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        position, bounds = np.zeros(3), np.zeros(6)
        if crosshair is None or not crosshair.GetCursorPositionRAS(position):
            return True  # not known, so the box can be dragged
        region.GetRASBounds(bounds)
        low, high = bounds[::2], bounds[1::2]
        margin = _NEAR_SHARE * float((high - low).max())
        return bool((position >= low - margin).all() and (position <= high + margin).all())


def _show_handles(region: "slicer.vtkMRMLMarkupsROINode", is_on: bool) -> None:
    display = region.GetDisplayNode()
    if bool(display.GetHandlesInteractive()) != is_on:
        display.SetHandlesInteractive(is_on)
    for handle in ("Translation", "Scale"):
        if bool(getattr(display, f"Get{handle}HandleVisibility")()) != is_on:
            getattr(display, f"Set{handle}HandleVisibility")(is_on)
