"""The Slicer scene as the panel's controller sees it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import slicer
import vtk

from medxai.contour.result import ContourCheck, ContourKind
from medxai.errors import InputError
from medxai.map_view import ViewChoices, is_comparison, map_key_of
from medxai.maps import CONTOUR
from medxai.results import SliceExplanation
from medxai.scene import side_by_side, views
from medxai.scene.contours import set_contour_visible, write_contour_nodes
from medxai.scene.dicom_source import files_of_dicom
from medxai.scene.geometry import array_of, world_from_ijk, world_from_node
from medxai.scene.legends import Legends
from medxai.scene.regions import box_of_roi, organ_of_roi, slices_of_roi
from medxai.scene.slices import aligned_slice
from medxai.scene.through_slices import PlacedVolumes, placed_volumes
from medxai.scene.volumes import modality_in_scene, volume_of
from medxai.scene.working_result import (
    REGION_REFERENCE,
    WORKING_ATTRIBUTE,
    WorkingResult,
    comparisons_of,
    find_working,
    make_working,
    remove_orphans,
    remove_working,
    style_map,
    with_comparisons,
    with_contour,
    write_map,
    write_segmentation,
)
from medxai.slice.slice_image import SliceImage, oblique_slice_of, slice_of
from medxai.through_slices.volume_result import VolumeResult
from medxai.volume.volume import Volume

from ..session.choices import MethodChoices
from ..session.organs import ExplainedOrgans
from ..session.snapshot import ExplanationKey, MissingInput, RegionBox, SceneSnapshot
from .followed_maps import FollowedMaps
from .marked_regions import is_marked, regions_of
from .organ_segments import OrganSegments
from .selection import Selection
from .translation import _


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
        self._is_writing = False
        #: Keys of maps that the user has deleted since they were shown.
        self._lost: set[str] = set()
        self._legends = Legends()
        self._followed = FollowedMaps(scene)
        self._organs = OrganSegments(scene)
        #: What stands in each overlay node now: the explanation, and the choices that decide the values.
        self._written: dict[str, tuple[SliceExplanation, Hashable]] = {}
        self._written_contour: ContourCheck | None = None

    def forget(self) -> None:
        """Lets go of the scene's voxels; called when it closes."""
        self._volume = self._image = None
        self._written.clear()
        self._written_contour = None
        self._lost.clear()
        self._legends.forget()
        self._followed.forget()
        self._organs.forget()

    @property
    def is_writing(self) -> bool:
        """Whether nodes come and go by our own doing."""
        return self._is_writing

    def has_lost(self, map_key: str) -> bool:
        """Whether the user has deleted a map since it was shown."""
        return map_key in self._lost

    def map_removed(self, node: "slicer.vtkMRMLScalarVolumeNode | slicer.vtkMRMLModelNode") -> None:
        """The user has deleted a map, or a part of the outline."""
        chosen = self._selection()
        if chosen.roi is not None and node.GetNodeReferenceID(REGION_REFERENCE) == chosen.roi.GetID():
            self._lost.add(map_key_of(node.GetAttribute(WORKING_ATTRIBUTE)))

    def remove_orphans(self) -> None:
        """Takes maps and segmentations out of the scene whose volume is gone."""
        with self._writing():
            remove_orphans(self._scene)
            self._followed.remove_orphans()
            self._organs.remove_orphans()

    # Looking.

    def look(self, method: MethodChoices) -> SceneSnapshot:
        chosen = self._selection()
        if chosen.volume is None:
            self.forget()
            return SceneSnapshot(lack=MissingInput.VOLUME)
        try:
            volume_key, volume = self._look_at_volume(chosen.volume, method.modality)
        except InputError as error:
            return SceneSnapshot(lack=MissingInput.UNUSABLE, reason=str(error))
        if (
            chosen.roi is None
            or chosen.roi.GetNumberOfControlPoints() == 0
            or not chosen.roi.GetControlPointPlacementComplete()
        ):
            return SceneSnapshot(volume_key, volume=volume, lack=MissingInput.REGION)
        if chosen.slice is None:
            return SceneSnapshot(
                volume_key,
                volume=volume,
                lack=MissingInput.UNUSABLE,
                reason=_("There is no slice view to take the slice from; show one in the layout."),
            )
        try:
            slice_key, image = self._look_at_slice(volume_key, volume, chosen)
            self._legends.follow_slice(slice_key)
            box = box_of_roi(chosen.roi, chosen.volume, image)
            slices = slices_of_roi(chosen.roi, chosen.volume, image) if image.index is not None else None
        except InputError as error:
            return SceneSnapshot(volume_key, volume=volume, lack=MissingInput.UNUSABLE, reason=str(error))
        origin = Origin(chosen.volume.GetID(), chosen.roi.GetID(), chosen.slice.GetID())
        depth = slices if slices is not None and slices[0] < slices[1] else None
        boxes = tuple(self._boxes(chosen, image))
        seen = volume_key, slice_key, origin, volume, image, box, depth, organ_of_roi(chosen.roi), MissingInput.NONE
        return SceneSnapshot(*seen, boxes=boxes)

    def _boxes(self, chosen: Selection, image: SliceImage) -> Iterator[RegionBox]:
        """The visible regions that reach the slice."""
        for roi in regions_of(self._scene):
            is_chosen = roi is chosen.roi
            if not is_chosen and not roi.GetDisplayVisibility():
                continue
            try:
                box = box_of_roi(roi, chosen.volume, image)
            except InputError:
                continue
            origin = Origin(chosen.volume.GetID(), roi.GetID(), chosen.slice.GetID())
            yield RegionBox(origin, roi.GetName() or "", organ_of_roi(roi), box, is_marked(roi))

    def _look_at_volume(self, node: "slicer.vtkMRMLScalarVolumeNode", modality: str | None) -> tuple[Hashable, Volume]:
        image = node.GetImageData()
        world_from_node(node)  # refuses a non-linear transform, which may have come since the last look
        key = (
            node.GetID(),
            image.GetMTime() if image is not None else None,
            _ijk_to_ras(node),
            modality or modality_in_scene(node),
        )
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

    def show(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        """Brings all nodes of the explanation's region up to date, makes them the first time, and shows the chosen map."""
        chosen = self._nodes_of(key)
        self._followed.are_shown = False
        found = find_working(chosen.volume, chosen.roi)
        with self._writing():
            if found is not None and not found.is_whole:
                remove_working(found)
                found = None
            if found is None:
                found = make_working(explanation, chosen.volume, chosen.roi, chosen.slice)
            self._written.clear()
            self._written_contour = None
            self._lost.clear()
            found = with_comparisons(found, explanation)
            for map_key in found.overlays:
                self._write(found, explanation, replace(view, map_key=map_key))
            if view.is_contour or found.contour:
                found = self._with_contour(found, explanation)
            write_segmentation(found.segmentation, explanation, chosen.volume)
        self._legends.of_slice(key.slice_key)
        self._arrange(found, explanation, chosen, view)

    def show_live(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        chosen = self._nodes_of(key)
        found = find_working(chosen.volume, chosen.roi)
        if found is None or not found.is_whole or (view.is_contour and CONTOUR.key in self._lost):
            self.show(explanation, key, view)
            return
        self._followed.are_shown = False
        found = self._with_comparisons(found, explanation)
        found = self._write_seen(found, explanation, view)
        write_segmentation(found.segmentation, explanation, chosen.volume)
        self._legends.of_slice(key.slice_key)
        self._arrange(found, explanation, chosen, view)

    def restyle(self, explanation: SliceExplanation | None, key: ExplanationKey | None, view: ViewChoices) -> None:
        """Shows another map, layer or look; where the explanation is not in memory, what a loaded scene holds of it."""
        chosen = self._nodes_of(key) if key is not None else self._selection()
        if chosen.volume is None or chosen.roi is None:
            return
        found = find_working(chosen.volume, chosen.roi)
        if self._arrange_followed(found, chosen, view):
            return
        if found is None:
            if explanation is not None:
                self.show(explanation, key, view)
            return
        if explanation is not None:
            self._legends.of_slice(key.slice_key)
            found = self._with_comparisons(found, explanation)
            found = self._write_seen(found, explanation, view)
        self._arrange(found, explanation, chosen, view)

    def show_organs(self, organs: ExplainedOrgans | None, key: ExplanationKey) -> None:
        with self._writing():
            self._organs.put(organs, self._nodes_of(key).volume)

    def prepare_followed(self, result: VolumeResult) -> PlacedVolumes:
        return placed_volumes(result)

    def show_followed(self, prepared: PlacedVolumes, key: ExplanationKey, view: ViewChoices) -> None:
        chosen = self._nodes_of(key)
        with self._writing():
            self._followed.put(prepared, chosen)
        self._arrange_followed(find_working(chosen.volume, chosen.roi), chosen, view)

    def source_files(self, key: ExplanationKey) -> tuple[Path, ...]:
        return files_of_dicom(self._nodes_of(key).volume)

    @property
    def shows_followed(self) -> bool:
        """Whether the view shows an organ through the slices, rather than the maps of one slice."""
        return self._followed.are_shown

    def keep(self, chosen: Selection) -> None:
        """Leaves the organ that was followed, and several organs of one slice, in the scene for good."""
        self._followed.keep(chosen)
        if chosen.volume is not None:
            self._organs.keep(chosen.volume)

    def _arrange_followed(self, found: WorkingResult | None, chosen: Selection, view: ViewChoices) -> bool:
        """Shows the chosen map of the followed organ; returns whether it has one, and no newer explanation is shown."""
        overlays = self._followed.overlays if self._followed.are_shown and not view.side_by_side else {}
        key = view.map_key
        if key not in overlays and found is None and overlays:
            key = next(iter(overlays))
        if key not in overlays:
            return False
        self._followed.arrange(chosen, view, key)
        working = {} if found is None else {f"slice/{one}": node for one, node in found.overlays.items()}
        if found is not None:
            set_contour_visible(found.contour.values(), False)
            if found.segmentation is not None and found.segmentation.GetDisplayNode() is not None:
                found.segmentation.GetDisplayNode().SetVisibility(False)
        self._organs.hide(chosen.volume)
        self._legends.of_slice(None)
        self._legends.show({**working, **overlays}, (key,) if view.legend and view.overlay else (), chosen.slice)
        return True

    def _with_comparisons(self, found: WorkingResult, explanation: SliceExplanation) -> WorkingResult:
        if {key for key in found.overlays if is_comparison(key)} == set(comparisons_of(explanation)):
            return found
        with self._writing():  # a new node is a map from the start, never a volume to be explained
            found = with_comparisons(found, explanation)
            for key in comparisons_of(explanation):
                self._write(found, explanation, ViewChoices(key))
        return found

    def _write_seen(self, found: WorkingResult, explanation: SliceExplanation, view: ViewChoices) -> WorkingResult:
        for key in _seen(view):
            if key in found.overlays:
                self._write(found, explanation, replace(view, map_key=key))
        if view.is_contour and CONTOUR.key not in self._lost:
            found = self._with_contour(found, explanation)
        return found

    def _with_contour(self, found: WorkingResult, explanation: SliceExplanation) -> WorkingResult:
        """The result with its outline written, where the nodes do not hold it already."""
        made = found
        if len(found.contour) < len(ContourKind):
            with self._writing():
                made = with_contour(found)
        if made is not found or self._written_contour is not explanation.contour:
            write_contour_nodes(made.contour, explanation, made.volume)
            self._written_contour = explanation.contour
        return made

    def _write(self, found: WorkingResult, explanation: SliceExplanation, view: ViewChoices) -> None:
        """Writes a map where the node does not hold it already, else only its look."""
        node = found.overlays[view.map_key]
        content = (node.GetID(), view.layer, view.weighted)
        held, written = self._written.get(view.map_key, (None, None))
        if held is explanation and written == content:
            style_map(node, view.display_range(explanation), view)
        else:
            write_map(node, explanation, view, found.volume)
            self._written[view.map_key] = (explanation, content)

    def _arrange(
        self, found: WorkingResult, explanation: SliceExplanation | None, chosen: Selection, view: ViewChoices
    ) -> None:
        seen = _seen(view)
        for key in seen:
            if explanation is None and key in found.overlays:
                style_map(found.overlays[key], None, view)
        if chosen.slice is not None:  # a map that is not there, or not yet, must not be taken for the one before
            views.show_overlay(
                chosen.slice, chosen.volume, found.overlays.get(view.map_key) if view.overlay else None, view.opacity
            )
        shows_contour = view.is_contour and view.overlay and bool(found.contour)  # the mask's own outline, in its kinds
        has_organs = self._organs.arrange(chosen.volume, explanation, view.segmentation, shows_contour)
        if found.segmentation is not None and found.segmentation.GetDisplayNode() is not None:
            is_shown = view.segmentation and not shows_contour and not has_organs
            found.segmentation.GetDisplayNode().SetVisibility(is_shown)
        set_contour_visible(found.contour.values(), shows_contour)
        if view.side_by_side != side_by_side.is_laid_out(self._scene):
            side_by_side.lay_out(self._scene, view.side_by_side)
        if view.side_by_side and chosen.slice is not None:
            side_by_side.fill(chosen.slice, chosen.volume, found.overlays, view.opacity if view.overlay else 0.0)
        self._followed.show_segmentation(False)
        followed = {f"followed/{key}": node for key, node in self._followed.overlays.items()}
        # Only after the views hold the maps: Slicer looks where a legend belongs when the legend is shown, not later.
        with_legend = {**found.overlays, **followed}
        if ContourKind.FIRM in found.contour:  # one legend for all kinds, at one of their models
            with_legend[CONTOUR.key] = found.contour[ContourKind.FIRM]
        self._legends.show(with_legend, seen if view.legend and view.overlay else (), chosen.slice)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One redraw for many changes, which are our own."""
        was_writing, self._is_writing = self._is_writing, True
        self._scene.StartState(self._scene.BatchProcessState)
        try:
            yield
        finally:
            self._scene.EndState(self._scene.BatchProcessState)
            self._is_writing = was_writing

    def _nodes_of(self, key: ExplanationKey) -> Selection:
        """The nodes that a key came from. Raises InputError where volume or region were deleted meanwhile."""
        origin = key.origin
        volume, roi = self._scene.GetNodeByID(origin.volume), self._scene.GetNodeByID(origin.roi)
        if volume is None:
            raise InputError(_("The volume was deleted, so its maps have no place to go; choose another volume."))
        if roi is None:
            raise InputError(_("The region was deleted, so its maps have no place to go; draw another box."))
        return Selection(volume, roi, self._scene.GetNodeByID(origin.slice))


def _seen(view: ViewChoices) -> tuple[str, ...]:
    """The keys of the maps that are on the screen."""
    if not view.side_by_side:
        return (view.map_key,)
    return tuple(dict.fromkeys([view.map_key, *side_by_side.VIEWS.values()]))


def _ijk_to_ras(node: "slicer.vtkMRMLScalarVolumeNode") -> tuple[float, ...]:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return tuple(array_of(matrix).ravel())
