"""The Slicer scene as the panel's controller sees it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import slicer
import vtk

from MedXAILib.session.choices import MapKind, MethodChoices, ViewChoices
from MedXAILib.session.figures import comparisons_of, range_shown
from MedXAILib.session.situation import Lack, Sight, Situation

from ..engine import SliceExplanation
from ..errors import InputError
from ..slice.slice_image import SliceImage, oblique_slice_of, slice_of
from ..volume.volume import Volume
from . import side_by_side, views
from .geometry import array_of, world_from_ijk, world_from_node
from .map_labels import label_of
from .regions import box_of_roi
from .selection import Selection
from .slices import aligned_slice
from .volumes import volume_of
from .working_result import (
    WorkingResult,
    find_working,
    make_working,
    remove_working,
    show_legend,
    style_map,
    with_comparisons,
    write_map,
    write_segmentation,
)


@dataclass(frozen=True)
class Origin:
    """The IDs of the nodes that an explanation was made from."""

    volume: str
    roi: str
    slice: str


class PanelScene:
    """Implements the controller's `ScenePort` on a MRML scene; everything on the main thread."""

    def __init__(self, scene: "slicer.vtkMRMLScene", selection: Callable[[], Selection]):
        self._scene = scene
        self._selection = selection
        self._volume: tuple[Hashable, Volume] | None = None
        self._image: tuple[Hashable, SliceImage] | None = None
        self._was_side_by_side = False
        #: What stands in each overlay node now: the explanation, and the choices that decide the values.
        self._written: dict[MapKind, tuple[SliceExplanation, Hashable]] = {}

    def forget(self) -> None:
        """Lets go of the scene's voxels; called when it closes."""
        self._volume = self._image = None
        self._written.clear()

    def has_left_side_by_side(self) -> bool:
        """Whether the views were laid out side by side by us, and the user has gone to another layout since."""
        left = self._was_side_by_side and not side_by_side.is_laid_out(self._scene)
        if left:
            self._was_side_by_side = False
        return left

    # Looking.

    def look(self, method: MethodChoices) -> Sight:
        chosen = self._selection()
        if chosen.volume is None:
            self.forget()
            return Sight(lack=Lack.VOLUME)
        try:
            volume_key, volume = self._look_at_volume(chosen.volume, method.modality)
        except InputError as error:
            return Sight(lack=Lack.UNUSABLE, reason=str(error))
        if (
            chosen.roi is None
            or chosen.roi.GetNumberOfControlPoints() == 0
            or not chosen.roi.GetControlPointPlacementComplete()
        ):
            return Sight(volume_key, lack=Lack.REGION)
        if chosen.slice is None:
            return Sight(
                volume_key,
                lack=Lack.UNUSABLE,
                reason="There is no slice view to take the slice from; show one in the layout.",
            )
        try:
            slice_key, image = self._look_at_slice(volume_key, volume, chosen)
            box = box_of_roi(chosen.roi, chosen.volume, image)
        except InputError as error:
            return Sight(volume_key, lack=Lack.UNUSABLE, reason=str(error))
        origin = Origin(chosen.volume.GetID(), chosen.roi.GetID(), chosen.slice.GetID())
        return Sight(volume_key, slice_key, origin, volume, image, box, Lack.NONE)

    def _look_at_volume(self, node: "slicer.vtkMRMLScalarVolumeNode", modality: str | None) -> tuple[Hashable, Volume]:
        image = node.GetImageData()
        world_from_node(node)  # refuses a non-linear transform, which may have come since the last look
        key = (node.GetID(), image.GetMTime() if image is not None else None, _ijk_to_ras(node), modality)
        if self._volume is None or self._volume[0] != key:
            self._volume = None
            self._volume = (key, volume_of(node, modality))
        return self._volume

    def _look_at_slice(self, volume_key: Hashable, volume: Volume, chosen: Selection) -> tuple[Hashable, SliceImage]:
        world_from_view = array_of(chosen.slice.GetSliceToRAS())
        found = aligned_slice(volume, world_from_ijk(chosen.volume), world_from_view)
        own_from_view = np.linalg.inv(world_from_node(chosen.volume)) @ world_from_view
        slice_key = found or ("oblique", tuple(np.round(own_from_view, 6).ravel()))
        key = (volume_key, slice_key)
        if self._image is None or self._image[0] != key:
            self._image = (key, slice_of(volume, *found) if found else oblique_slice_of(volume, own_from_view))
        return slice_key, self._image[1]

    # Showing.

    def show(self, explanation: SliceExplanation, situation: Situation, view: ViewChoices) -> None:
        """Brings all nodes of the explanation's region up to date, makes them the first time, and shows the chosen map."""
        chosen = self._nodes_of(situation)
        found = find_working(chosen.volume, chosen.roi)
        with _batch(self._scene):
            if found is not None and not found.is_whole:
                remove_working(found)
                found = None
            if found is None:
                found = make_working(explanation, chosen.volume, chosen.roi, chosen.slice)
            self._written.clear()
            found = with_comparisons(found, explanation)
            for kind in found.overlays:
                self._write(found, explanation, replace(view, kind=kind))
            write_segmentation(found.segmentation, explanation, chosen.volume)
        self._arrange(found, explanation, chosen, view)

    def show_live(self, explanation: SliceExplanation, situation: Situation, view: ViewChoices) -> None:
        chosen = self._nodes_of(situation)
        found = find_working(chosen.volume, chosen.roi)
        if found is None or not found.is_whole:
            self.show(explanation, situation, view)
            return
        found = self._with_comparisons(found, explanation)
        self._write_seen(found, explanation, view)
        write_segmentation(found.segmentation, explanation, chosen.volume)
        self._arrange(found, explanation, chosen, view)

    def restyle(self, explanation: SliceExplanation | None, situation: Situation | None, view: ViewChoices) -> None:
        """Shows another map, layer or look; where the explanation is not in memory, what a loaded scene holds of it."""
        chosen = self._nodes_of(situation) if situation is not None else self._selection()
        if chosen.volume is None or chosen.roi is None:
            return
        found = find_working(chosen.volume, chosen.roi)
        if found is None:
            if explanation is not None:
                self.show(explanation, situation, view)
            return
        if explanation is not None:
            found = self._with_comparisons(found, explanation)
            self._write_seen(found, explanation, view)
        self._arrange(found, explanation, chosen, view)

    def exporter(self, explanation: SliceExplanation, situation: Situation, folder: str) -> Callable[[], str]:
        """What writes panels.png, the volumes and the report; it needs nothing of the scene, so it may run anywhere."""
        from ..report.writing import write_results

        def write() -> str:
            write_results(explanation, Path(folder))
            return folder

        return write

    def _with_comparisons(self, found: WorkingResult, explanation: SliceExplanation) -> WorkingResult:
        if {kind for kind in found.overlays if kind.is_comparison} == set(comparisons_of(explanation)):
            return found
        with _batch(self._scene):  # a new node is a map from the start, never a volume to be explained
            found = with_comparisons(found, explanation)
            for kind in comparisons_of(explanation):
                self._write(found, explanation, ViewChoices(kind))
        return found

    def _write_seen(self, found: WorkingResult, explanation: SliceExplanation, view: ViewChoices) -> None:
        for kind in _seen(view):
            if kind in found.overlays:
                self._write(found, explanation, replace(view, kind=kind))

    def _write(self, found: WorkingResult, explanation: SliceExplanation, view: ViewChoices) -> None:
        """Writes a map where the node does not hold it already, else only its look."""
        node = found.overlays[view.kind]
        content = (node.GetID(), view.layer, view.weighted)
        held, written = self._written.get(view.kind, (None, None))
        if held is explanation and written == content:
            style_map(node, range_shown(explanation, view), view)
        else:
            write_map(node, explanation, view, found.volume)
            self._written[view.kind] = (explanation, content)

    def _arrange(
        self, found: WorkingResult, explanation: SliceExplanation | None, chosen: Selection, view: ViewChoices
    ) -> None:
        seen = _seen(view)
        for kind, node in found.overlays.items():
            if explanation is None and kind in seen:
                style_map(node, None, view)
            show_legend(node, label_of(kind), view.legend and view.overlay and kind in seen)
        if chosen.slice is not None:  # a map that is not there, or not yet, must not be taken for the one before
            views.show_overlay(
                chosen.slice, chosen.volume, found.overlays.get(view.kind) if view.overlay else None, view.opacity
            )
        if found.segmentation is not None and found.segmentation.GetDisplayNode() is not None:
            found.segmentation.GetDisplayNode().SetVisibility(view.segmentation)
        if view.side_by_side != side_by_side.is_laid_out(self._scene):
            self._was_side_by_side = False  # the change that comes now is ours
            side_by_side.lay_out(self._scene, view.side_by_side)
            self._was_side_by_side = view.side_by_side
        if view.side_by_side and chosen.slice is not None:
            side_by_side.fill(chosen.slice, chosen.volume, found.overlays, view.opacity if view.overlay else 0.0)

    def _nodes_of(self, situation: Situation) -> Selection:
        """The nodes that a situation came from. Raises InputError where volume or region were deleted meanwhile."""
        origin = situation.origin
        volume, roi = self._scene.GetNodeByID(origin.volume), self._scene.GetNodeByID(origin.roi)
        if volume is None:
            raise InputError("The volume was deleted, so its maps have no place to go; choose another volume.")
        if roi is None:
            raise InputError("The region was deleted, so its maps have no place to go; draw another box.")
        return Selection(volume, roi, self._scene.GetNodeByID(origin.slice))


def _seen(view: ViewChoices) -> tuple[MapKind, ...]:
    """The maps that are on the screen."""
    if not view.side_by_side:
        return (view.kind,)
    return tuple(dict.fromkeys([view.kind, *side_by_side.VIEWS.values()]))


def _ijk_to_ras(node: "slicer.vtkMRMLScalarVolumeNode") -> tuple[float, ...]:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return tuple(array_of(matrix).ravel())


class _batch:
    """One redraw for many changes."""

    def __init__(self, scene: "slicer.vtkMRMLScene"):
        self._scene = scene

    def __enter__(self) -> None:
        self._scene.StartState(self._scene.BatchProcessState)

    def __exit__(self, *_error: object) -> None:
        self._scene.EndState(self._scene.BatchProcessState)
