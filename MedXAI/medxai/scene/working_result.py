"""The nodes of the explanation that the panel works on: one set for each volume and region, written over, never piled up."""

from dataclasses import dataclass, replace

import slicer

from MedXAILib.session.choices import OWN_MAPS, MapKind, ViewChoices
from MedXAILib.session.figures import comparisons_of, has_map, layer_shown, map_shown, range_shown

from ..display_range import DisplayRange
from ..engine import SliceExplanation
from ..provenance import provenance_of
from ..slice.slice_image import as_one_slice_volume
from .colour_maps import colour_node_of
from .geometry import matrix_of
from .map_labels import label_of
from .overlays import THRESHOLD_SHARE, add_overlay, style_overlay
from .results import add_legend, put_into_folder, show_result
from .segmentations import mask_labelmap

#: Says which of the maps a node holds; only nodes with it are ever written over.
WORKING_ATTRIBUTE = "MedXAI.Working"
SOURCE_REFERENCE = "MedXAI.source"
REGION_REFERENCE = "MedXAI.region"
_SEGMENTATION = "segmentation"


@dataclass(frozen=True)
class WorkingResult:
    """overlays: by kind of map; any that a user has deleted is absent, and so may the segmentation be."""

    volume: "slicer.vtkMRMLScalarVolumeNode"
    roi: "slicer.vtkMRMLMarkupsROINode"
    overlays: "dict[MapKind, slicer.vtkMRMLScalarVolumeNode]"
    segmentation: "slicer.vtkMRMLSegmentationNode | None"

    @property
    def is_whole(self) -> bool:
        return self.segmentation is not None and set(OWN_MAPS) <= set(self.overlays)


def find_working(volume: "slicer.vtkMRMLScalarVolumeNode", roi: "slicer.vtkMRMLMarkupsROINode") -> WorkingResult | None:
    """The nodes that belong to a volume and a region, also after renaming, or saving and loading; None where none are."""
    scene = volume.GetScene()
    overlays, segmentation = {}, None
    for class_name in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"):
        for index in range(scene.GetNumberOfNodesByClass(class_name)):
            node = scene.GetNthNodeByClass(index, class_name)
            role = node.GetAttribute(WORKING_ATTRIBUTE)
            if not role or node.GetNodeReferenceID(SOURCE_REFERENCE) != volume.GetID():
                continue
            if node.GetNodeReferenceID(REGION_REFERENCE) != roi.GetID():
                continue
            if role == _SEGMENTATION:
                segmentation = node
            else:
                overlays[MapKind(role)] = node
    found = WorkingResult(volume, roi, overlays, segmentation)
    return found if overlays or segmentation else None


def make_working(
    explanation: SliceExplanation,
    volume: "slicer.vtkMRMLScalarVolumeNode",
    roi: "slicer.vtkMRMLMarkupsROINode",
    slice_node: "slicer.vtkMRMLSliceNode",
) -> WorkingResult:
    """New nodes for an explanation, marked so that they are found again."""
    done = show_result(explanation, volume, roi, slice_node)
    nodes = {MapKind(f"stage{stage}"): done.stage_node(stage) for stage in (1, 2, 3)}
    nodes[MapKind.INTERACTION] = done.overlays["interaction", ""]
    nodes[MapKind.TERMINAL] = done.overlays["terminal", ""]
    for role, node in [*((kind.value, node) for kind, node in nodes.items()), (_SEGMENTATION, done.segmentation_node)]:
        _mark(node, role, roi)
    return WorkingResult(volume, roi, nodes, done.segmentation_node)


def with_comparisons(found: WorkingResult, explanation: SliceExplanation) -> WorkingResult:
    """The result with a node for each map of another method that the explanation holds, and none of an earlier one."""
    scene, overlays = found.volume.GetScene(), dict(found.overlays)
    for kind in [kind for kind in overlays if not has_map(explanation, kind)]:
        node = overlays.pop(kind)
        for display in [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]:
            scene.RemoveNode(display)
        scene.RemoveNode(node)
    for kind in comparisons_of(explanation):
        if kind not in overlays:
            overlays[kind] = _add_comparison(found, explanation, kind)
    return replace(found, overlays=overlays)


def _add_comparison(
    found: WorkingResult, explanation: SliceExplanation, kind: MapKind
) -> "slicer.vtkMRMLScalarVolumeNode":
    view, scene = ViewChoices(kind), found.volume.GetScene()
    values, shown = explanation.on_slice(map_shown(explanation, view)), range_shown(explanation, view)
    node = add_overlay(
        found.volume, label_of(kind), explanation.prepared.image, values, shown, colour_node_of(scene), {}
    )
    _mark(node, kind.value, found.roi)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = next((hierarchy.GetItemParent(hierarchy.GetItemByDataNode(other)) for other in found.overlays.values()), 0)
    put_into_folder(hierarchy, folder, node)
    return node


def _mark(node: "slicer.vtkMRMLNode", role: str, roi: "slicer.vtkMRMLMarkupsROINode") -> None:
    node.SetAttribute(WORKING_ATTRIBUTE, role)
    node.SetNodeReferenceID(REGION_REFERENCE, roi.GetID())


def remove_working(found: WorkingResult) -> None:
    """Takes what is left of a result out of the scene, with its folder where that is then empty."""
    scene = found.volume.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = [*found.overlays.values(), *([found.segmentation] if found.segmentation else [])]
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
    for node in [*found.overlays.values(), *([found.segmentation] if found.segmentation else [])]:
        node.RemoveAttribute(WORKING_ATTRIBUTE)
        node.SetName(f"{node.GetName()} · kept")


def write_map(
    node: "slicer.vtkMRMLScalarVolumeNode",
    explanation: SliceExplanation,
    view: ViewChoices,
    volume: "slicer.vtkMRMLScalarVolumeNode",
) -> None:
    """Writes the chosen map's raw values into a node: voxels, place, name, provenance and look."""
    image = explanation.prepared.image
    placed = as_one_slice_volume(image, explanation.on_slice(map_shown(explanation, view)))
    layer = layer_shown(explanation, view).layer if view.kind.stage else ""
    details = {**provenance_of(explanation), "Stage": label_of(view.kind), "Layer": layer}
    if view.kind is MapKind.STAGE3:
        details["SpatialWeighting"] = str(view.weighted)
    with slicer.util.NodeModify(node):
        node.SetIJKToRASMatrix(matrix_of(placed.ijk_to_ras_mm))
        slicer.util.updateVolumeFromArray(node, placed.voxels)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        node.SetName(_name(volume, view, layer, explanation.is_preview))
        for key, value in details.items():
            node.SetAttribute(f"MedXAI.{key}", value)
    style_map(node, range_shown(explanation, view), view)


def style_map(node: "slicer.vtkMRMLScalarVolumeNode", shown: DisplayRange | None, view: ViewChoices) -> None:
    """Colours and threshold; shown: None keeps the range that the node has (a loaded scene's)."""
    display = node.GetDisplayNode()
    if display is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
    colours = colour_node_of(node.GetScene(), view.colours)
    with slicer.util.NodeModify(display):
        if shown is None:
            if display.GetColorNodeID() != colours.GetID():
                display.SetAndObserveColorNodeID(colours.GetID())
            shown = DisplayRange(display.GetWindowLevelMin(), display.GetWindowLevelMax(), True)
        else:
            style_overlay(node, shown, colours)
        if shown.informative:
            share = max(view.threshold, THRESHOLD_SHARE)
            display.SetLowerThreshold(shown.lower + share * (shown.upper - shown.lower))


def write_segmentation(
    node: "slicer.vtkMRMLSegmentationNode", explanation: SliceExplanation, volume: "slicer.vtkMRMLScalarVolumeNode"
) -> None:
    """Writes the mask into the node's segment, in place, so that its colour and visibility stay the user's."""
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0:
        segmentation.AddEmptySegment("", "segmented organ")
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment = segmentation.GetNthSegment(0)
    segment.AddRepresentation(name, mask_labelmap(explanation.prepared.image, explanation.segmentation.mask))
    for key, value in provenance_of(explanation).items():
        node.SetAttribute(f"MedXAI.{key}", value)
    segment.Modified()


def show_legend(node: "slicer.vtkMRMLScalarVolumeNode", title: str, is_shown: bool) -> None:
    """The overlay's colour legend, made the first time that it is asked for."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    if legend is None and is_shown:
        add_legend(node, title)
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetVisibility(is_shown)


def _name(volume: "slicer.vtkMRMLScalarVolumeNode", view: ViewChoices, layer: str, is_preview: bool) -> str:
    parts = [label_of(view.kind), *([layer] if layer else [])]
    if view.kind is MapKind.STAGE3 and not view.weighted:
        parts.append("without spatial weighting")
    if is_preview:
        parts.append("preview")
    return f"{volume.GetName()} · MedXAI {' · '.join(parts)}"
