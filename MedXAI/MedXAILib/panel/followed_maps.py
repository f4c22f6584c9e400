"""An organ that was followed through the slices, as the panel shows it: in the view, and in the look that the user chose."""

from dataclasses import replace

import slicer

from medxai.map_view import ViewChoices
from medxai.scene import views
from medxai.scene.regions import organ_of_roi
from medxai.scene.through_slices import (
    PlacedVolumes,
    find_followed,
    mark_followed,
    release_followed,
    remove_followed,
    show_volume_result,
)
from medxai.scene.working_result import style_map

from .selection import Selection


class FollowedMaps:
    """The nodes of the organ that was last followed, and whether they are what the view shows.

    Args:
        scene: Holds them.
    """

    def __init__(self, scene: "slicer.vtkMRMLScene"):
        self._scene = scene
        self._roi: slicer.vtkMRMLMarkupsROINode | None = None
        #: A new explanation of one slice takes their place in the view.
        self.are_shown = False

    def forget(self) -> None:
        """The scene closes."""
        self._roi, self.are_shown = None, False

    def put(self, prepared: PlacedVolumes, chosen: Selection) -> None:
        """Puts an organ into the scene, in the place of the one before of the same region."""
        remove_followed(self._scene, chosen.roi)
        done = show_volume_result(prepared, chosen.volume, chosen.slice, organ_of_roi(chosen.roi))
        mark_followed(done, chosen.roi)
        self._roi, self.are_shown = chosen.roi, True

    def keep(self, chosen: Selection) -> None:
        """Leaves them in the scene for good."""
        if chosen.roi is not None:
            release_followed(self._scene, chosen.roi)
        self.forget()

    def remove_orphans(self) -> None:
        """Takes those out of the scene whose volume is gone."""
        remove_followed(self._scene, None)

    @property
    def overlays(self) -> "dict[str, slicer.vtkMRMLScalarVolumeNode]":
        """The maps by their keys, as far as the user has not deleted them."""
        found = find_followed(self._scene, self._roi) if self._roi is not None else {}
        return {key: node for key, node in found.items() if node.IsA("vtkMRMLScalarVolumeNode")}

    def arrange(self, chosen: Selection, view: ViewChoices, shown_key: str) -> None:
        """Shows a map in the view, and all of them as the user wants them to look.

        Args:
            chosen: The volume and the view.
            view: The user's choices.
            shown_key: Which of the maps.
        """
        overlays = self.overlays
        for key, node in overlays.items():
            style_map(node, None, replace(view, map_key=key))
        self.show_segmentation(view.segmentation)
        if chosen.slice is not None:
            views.show_overlay(chosen.slice, chosen.volume, overlays[shown_key] if view.overlay else None, view.opacity)

    def show_segmentation(self, is_shown: bool) -> None:
        """Whether the segment is drawn."""
        found = find_followed(self._scene, self._roi) if self._roi is not None else {}
        for node in found.values():
            if node.IsA("vtkMRMLSegmentationNode") and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetVisibility(is_shown)
