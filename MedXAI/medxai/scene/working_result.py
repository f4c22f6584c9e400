"""The nodes of the explanation that the panel works on: one set for each volume and region, which new results replace."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import slicer

from ..contour.look import LOOKS
from ..contour.result import ContourKind
from ..display_range import DisplayRange
from ..explainers.registry import map_info
from ..map_view import ViewChoices, is_comparison, map_key_of
from ..maps import CONTOUR, OWN_MAPS_SHOWN
from ..provenance import map_attributes, provenance_of
from ..results import SliceExplanation
from ..slice.slice_image import as_one_slice_volume
from .colour_maps import DIVERGING, colour_node_for, colour_node_of
from .contours import KIND_ATTRIBUTE, add_contour_node, set_contour_visible
from .geometry import matrix_of
from .nodes import nodes_of_class
from .overlays import add_overlay, describe, give_name, node_name, segmentation_name, style_overlay
from .results import put_into_folder, show_result
from .segmentations import mask_labelmap

#: Says which of the maps a node holds; only nodes with it are ever written over.
WORKING_ATTRIBUTE = "MedXAI.Working"
SOURCE_REFERENCE = "MedXAI.source"
REGION_REFERENCE = "MedXAI.region"
_SEGMENTATION = "segmentation"
_CLASSES = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLModelNode")
#: Marks the outline of a result that the user kept.
_KEPT_CONTOUR = "MedXAI.KeptContour"
#: How much a display range may change when it is written as text.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class WorkingResult:
    """The nodes of one explanation, as far as the user has not deleted them.

    Attributes:
        volume: The explained scan.
        roi: The region.
        overlays: By the key of their map; one that was deleted is absent.
        segmentation: None where it was deleted.
        contour: The outline by kind; empty until the contour check is looked at.
    """

    volume: "slicer.vtkMRMLScalarVolumeNode"
    roi: "slicer.vtkMRMLMarkupsROINode"
    overlays: "dict[str, slicer.vtkMRMLScalarVolumeNode]"
    segmentation: "slicer.vtkMRMLSegmentationNode | None"
    contour: "dict[ContourKind, slicer.vtkMRMLModelNode]" = field(default_factory=dict)

    @property
    def nodes(self) -> "list[slicer.vtkMRMLDisplayableNode]":
        """All of them."""
        return [*self.overlays.values(), *([self.segmentation] if self.segmentation else []), *self.contour.values()]

    @property
    def is_whole(self) -> bool:
        return self.segmentation is not None and {info.key for info in OWN_MAPS_SHOWN} <= set(self.overlays)


def find_working(volume: "slicer.vtkMRMLScalarVolumeNode", roi: "slicer.vtkMRMLMarkupsROINode") -> WorkingResult | None:
    """The nodes that belong to a volume and a region, also after renaming, or saving and loading; None where none are."""
    scene = volume.GetScene()
    overlays, contour, segmentation = {}, {}, None
    for class_name in _CLASSES:
        for node in nodes_of_class(scene, class_name):
            role = node.GetAttribute(WORKING_ATTRIBUTE)
            if not role or node.GetNodeReferenceID(SOURCE_REFERENCE) != volume.GetID():
                continue
            if node.GetNodeReferenceID(REGION_REFERENCE) != roi.GetID():
                continue
            if role == _SEGMENTATION:
                segmentation = node
            elif role == CONTOUR.key:
                contour[ContourKind(node.GetAttribute(KIND_ATTRIBUTE))] = node
            else:
                overlays[map_key_of(role)] = node
    found = WorkingResult(volume, roi, overlays, segmentation, contour)
    return found if found.nodes else None


def make_working(
    explanation: SliceExplanation,
    volume: "slicer.vtkMRMLScalarVolumeNode",
    roi: "slicer.vtkMRMLMarkupsROINode",
    slice_node: "slicer.vtkMRMLSliceNode",
) -> WorkingResult:
    """New nodes for an explanation, marked so that they are found again.

    Args:
        explanation: What they show.
        volume: The explained scan.
        roi: The region.
        slice_node: The view that shows the slice.
    """
    done = show_result(explanation, volume, roi, slice_node)
    nodes = {map_id.key: node for map_id, node in done.overlays.items()}
    for role, node in [*nodes.items(), (_SEGMENTATION, done.segmentation_node)]:
        _mark(node, role, roi)
    return WorkingResult(volume, roi, nodes, done.segmentation_node)


def comparisons_of(explanation: SliceExplanation) -> tuple[str, ...]:
    """The keys of the other methods' maps that an explanation holds."""
    return tuple(dict.fromkeys(map_id.key for map_id in explanation.comparisons))


def with_comparisons(found: WorkingResult, explanation: SliceExplanation) -> WorkingResult:
    """The result with a node for each map of another method that the explanation holds, and none of an earlier one."""
    overlays, here = dict(found.overlays), comparisons_of(explanation)
    for key in [key for key in overlays if is_comparison(key) and key not in here]:
        remove_with_displays(overlays.pop(key))
    for key in here:
        if key not in overlays:
            overlays[key] = _add_comparison(found, explanation, key)
    return replace(found, overlays=overlays)


def _add_comparison(found: WorkingResult, explanation: SliceExplanation, key: str) -> "slicer.vtkMRMLScalarVolumeNode":
    view = ViewChoices(key)
    values = explanation.on_slice(view.values(explanation))
    node = add_overlay(found.volume, map_info(key).title, explanation.prepared.image, values)
    shown = view.display_range(explanation)
    style_overlay(node, shown, colour_node_for(found.volume.GetScene(), shown))
    _mark(node, key, found.roi)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(found.volume.GetScene())
    put_into_folder(hierarchy, _folder_of(found), node)
    return node


def with_contour(found: WorkingResult) -> WorkingResult:
    """The result with a model for each kind of outline, still to be written; those of a kept result are hidden then."""
    missing = [kind for kind in LOOKS if kind not in found.contour]
    if not missing:
        return found
    for node in nodes_of_class(found.volume.GetScene(), "vtkMRMLModelNode"):
        if node.GetAttribute(_KEPT_CONTOUR):
            set_contour_visible([node], False)
    contour, folder = dict(found.contour), _folder_of(found)
    for kind in missing:
        contour[kind] = add_contour_node(found.volume, kind, folder)
        _mark(contour[kind], CONTOUR.key, found.roi)
    return replace(found, contour=contour)


def _folder_of(found: WorkingResult) -> int:
    """The item of the subject hierarchy that holds a result's nodes."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(found.volume.GetScene())
    return next((hierarchy.GetItemParent(hierarchy.GetItemByDataNode(other)) for other in found.nodes), 0)


def _mark(node: "slicer.vtkMRMLNode", role: str, roi: "slicer.vtkMRMLMarkupsROINode") -> None:
    describe(node, {"Name": node.GetName()})  # so that a name of the user's own is told from it
    node.SetAttribute(WORKING_ATTRIBUTE, role)
    node.SetNodeReferenceID(REGION_REFERENCE, roi.GetID())


def remove_orphans(scene: "slicer.vtkMRMLScene") -> None:
    """Takes results out of the scene whose volume is no longer in it; what the user chose to keep stays."""
    for class_name in _CLASSES:
        for node in nodes_of_class(scene, class_name):
            if node.GetAttribute(WORKING_ATTRIBUTE) and node.GetNodeReference(SOURCE_REFERENCE) is None:
                remove_with_displays(node)


def remove_with_displays(node: "slicer.vtkMRMLDisplayableNode") -> None:
    """Removes a node with its display nodes, the colour legend among them.

    The node goes first: a view that shows a volume without a display node makes it another one at once.
    """
    scene = node.GetScene()
    displays = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        scene.RemoveNode(display)


def remove_with_empty_folders(scene: "slicer.vtkMRMLScene", nodes: "Sequence[slicer.vtkMRMLNode]") -> None:
    """Removes nodes with their display nodes, and the folders of the subject hierarchy that are empty then."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = [hierarchy.GetItemByDataNode(node) for node in nodes]
    folders = {hierarchy.GetItemParent(item) for item in items if item} - {hierarchy.GetSceneItemID()}
    for node in nodes:
        if node.IsA("vtkMRMLDisplayableNode"):
            remove_with_displays(node)
        else:
            scene.RemoveNode(node)
    for folder in folders:
        if hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder, False, False)


def remove_working(found: WorkingResult) -> None:
    """Takes what is left of a result out of the scene, with its folder where that is then empty."""
    scene = found.volume.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = found.nodes
    folders = {
        hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
        for node in nodes
        if hierarchy.GetItemByDataNode(node)
    }
    root = hierarchy.GetSceneItemID()
    roi_item = hierarchy.GetItemByDataNode(found.roi)
    if roi_item and hierarchy.GetItemParent(roi_item) in folders:
        hierarchy.SetItemParent(roi_item, root)
    for node in nodes:
        scene.RemoveNode(node)
    for folder in folders - {root}:
        if hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder, False, False)


def release(found: WorkingResult) -> None:
    """Leaves a result in the scene for good: the next explanation of its region makes nodes of its own."""
    for node in found.contour.values():
        node.SetAttribute(_KEPT_CONTOUR, "1")
    for node in found.nodes:
        node.RemoveAttribute(WORKING_ATTRIBUTE)
        node.SetName(f"{node.GetName()} · kept")


def write_map(
    node: "slicer.vtkMRMLScalarVolumeNode",
    explanation: SliceExplanation,
    view: ViewChoices,
    volume: "slicer.vtkMRMLScalarVolumeNode",
) -> None:
    """Writes the chosen map's raw values into a node: voxels, place, name, provenance and look.

    Args:
        node: The overlay.
        explanation: Holds the map.
        view: Which map, and how it looks.
        volume: The explained scan.
    """
    image, map_id = explanation.prepared.image, view.map_id(explanation)
    info = map_info(map_id.key)
    placed = as_one_slice_volume(image, explanation.on_slice(explanation.values(map_id)))
    name = node_name(volume, info, map_id)
    with slicer.util.NodeModify(node):
        node.SetIJKToRASMatrix(matrix_of(placed.ijk_to_ras_mm))
        slicer.util.updateVolumeFromArray(node, placed.voxels)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        give_name(node, f"{name} · preview" if explanation.is_preview else name)
        describe(node, {**provenance_of(explanation), **map_attributes(info, map_id)})
    style_map(node, view.display_range(explanation), view)


def style_map(node: "slicer.vtkMRMLScalarVolumeNode", shown: DisplayRange | None, view: ViewChoices) -> None:
    """Colours and threshold of an overlay.

    Args:
        node: The overlay.
        shown: The display range; None keeps the range that the node has (a loaded scene's).
        view: The choices.
    """
    display = node.GetDisplayNode()
    if display is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
    is_loaded, shown = shown is None, shown or _range_of(display)
    # Not by the lower end alone: a user may have set the window of any map so that it begins below 0.
    diverges = shown.diverges and bool(map_info(view.map_key).sign)
    colours = colour_node_of(node.GetScene(), DIVERGING if diverges else view.colours)
    with slicer.util.NodeModify(display):
        if is_loaded:
            if display.GetColorNodeID() != colours.GetID():
                display.SetAndObserveColorNodeID(colours.GetID())
            display.SetWindowLevelMinMax(shown.lower, shown.upper)
        else:
            style_overlay(node, shown, colours)
        if shown.informative and not diverges:
            display.SetLowerThreshold(shown.lower + view.threshold * (shown.upper - shown.lower))


def _range_of(display: "slicer.vtkMRMLScalarVolumeDisplayNode") -> DisplayRange:
    """The range that a display has; a file keeps level and width as text, so a lower end of 0 comes back as about 0."""
    lower, upper = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    return DisplayRange(0.0 if abs(lower) < _ROUNDING * (upper - lower) else lower, upper, True)


def write_segmentation(
    node: "slicer.vtkMRMLSegmentationNode", explanation: SliceExplanation, volume: "slicer.vtkMRMLScalarVolumeNode"
) -> None:
    """Writes the mask into the node's segment, in place, so that its colour and visibility stay the user's.

    Args:
        node: The segmentation.
        explanation: Holds the mask.
        volume: The explained scan.
    """
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0:
        segmentation.AddEmptySegment("", "segmented organ")
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment = segmentation.GetNthSegment(0)
    segment.AddRepresentation(name, mask_labelmap(explanation.prepared.image, explanation.segmentation.mask))
    describe(node, provenance_of(explanation))
    give_name(node, segmentation_name(volume))
    segment.Modified()
