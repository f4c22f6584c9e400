"""An explanation put into the scene: overlays, segmentation, ROI, one folder, and the views set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import slicer

from ..map_view import map_key_of
from ..maps import INTERACTION, STAGE1, STAGE2, STAGE3, TERMINAL, MapId, MapInfo, stage_map
from ..provenance import box_text, map_attributes, provenance_of
from ..results import SliceExplanation
from . import views
from .colour_maps import colour_node_of
from .legends import add_legend
from .overlays import add_overlay, describe, node_name, segmentation_name, style_overlay
from .regions import roi_of_box
from .segmentations import add_segmentation

#: The maps that become overlays, the stages at every asked layer.
_STAGES, _OTHERS = (STAGE1, STAGE2, STAGE3), (INTERACTION, TERMINAL)


@dataclass(frozen=True)
class SceneResult:
    """The nodes that one explanation left in the scene.

    Attributes:
        explanation: What was explained.
        overlays: Nodes by the identity of their map.
        segmentation_node: The mask.
        roi_node: The ROI of the box.
        colour_node: The overlays' colours.
        folder_item: The subject hierarchy item that holds them all.
    """

    explanation: SliceExplanation
    overlays: Mapping[MapId, slicer.vtkMRMLScalarVolumeNode]
    segmentation_node: slicer.vtkMRMLSegmentationNode
    roi_node: slicer.vtkMRMLMarkupsROINode
    colour_node: slicer.vtkMRMLColorTableNode
    folder_item: int

    def stage_node(self, stage: int, layer: str | None = None) -> slicer.vtkMRMLScalarVolumeNode:
        """The overlay of a stage.

        Args:
            stage: 1, 2 or 3.
            layer: None for the layer that the scene shows.

        Raises:
            KeyError: Where the scene has no such overlay.
        """
        return self.overlays[stage_map(stage, layer or self.explanation.shown_layer)]

    def map_node(self, map_key: str, layer: str = "") -> slicer.vtkMRMLScalarVolumeNode:
        """The overlay of a map.

        Args:
            map_key: For example 'interaction' or 'medxai/terminal'.
            layer: '' for a map without a layer.

        Raises:
            KeyError: Where the scene has no such overlay.
        """
        return self.overlays[MapId.parse(map_key_of(map_key)).at(layer)]


def maps_for_scene(result: SliceExplanation, layers: Sequence[str] | None = None) -> list[tuple[MapInfo, MapId]]:
    """All stages of the asked layers, then the interaction and the terminal map.

    Args:
        result: Whose maps.
        layers: None for the shown layer.
    """
    staged = [(info, info.at(layer)) for layer in layers or [result.shown_layer] for info in _STAGES]
    return [*staged, *((info, info.at()) for info in _OTHERS)]


def show_result(
    result: SliceExplanation,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    roi_node: slicer.vtkMRMLMarkupsROINode | None = None,
    slice_node: slicer.vtkMRMLSliceNode | None = None,
    layers: Sequence[str] | None = None,
) -> SceneResult:
    """Adds the nodes of a result to the volume's scene and shows stage 3 over the volume in the slice's view.

    Args:
        result: What was explained.
        volume_node: Where it came from.
        roi_node: The ROI that the box came from; None: a new one is made.
        slice_node: The view that shows it; None: the view that by Slicer's habit shows the plane, if there is one.
        layers: Whose maps become overlays; None for the layer that stands for its stage.
    """
    scene, image = volume_node.GetScene(), result.prepared.image
    shared = provenance_of(result)
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = add_overlays(result, volume_node, layers)
        segmentation_node = add_segmentation(
            volume_node,
            segmentation_name(volume_node),
            "segmented organ",
            image,
            result.segmentation.mask,
        )
        attach(segmentation_node, shared, volume_node)
        if roi_node is None:
            roi_node = roi_of_box(scene, f"{volume_node.GetName()} · MedXAI region", result.box.box, image, volume_node)
            attach(roi_node, shared, volume_node)
        folder = add_folder(scene, _title(result), [*overlays.values(), segmentation_node, roi_node])
    finally:
        scene.EndState(scene.BatchProcessState)
    done = SceneResult(result, overlays, segmentation_node, roi_node, colour_node_of(scene), folder)
    slice_node = slice_node or views.slice_view(scene, views.VIEW_OF_PLANE[image.plane])
    if slice_node is not None:
        views.show_overlay(slice_node, volume_node, done.stage_node(3))
        add_legend(done.stage_node(3), STAGE3)
    return done


def add_overlays(
    result: SliceExplanation,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    layers: Sequence[str] | None = None,
    organ: str = "",
) -> dict[MapId, slicer.vtkMRMLScalarVolumeNode]:
    """One overlay a map, with provenance, colours and range.

    Args:
        result: Whose maps.
        volume_node: Where it came from.
        layers: Whose maps become overlays; None for the layer that stands for its stage.
        organ: Its name at the end of the nodes' names, where the slice has results of several; '' for none.
    """
    overlays, shared = {}, provenance_of(result)
    colour_node = colour_node_of(volume_node.GetScene())
    for info, map_id in maps_for_scene(result, layers):
        name = node_name(volume_node, info, map_id) + (f" · {organ}" if organ else "")
        values = result.on_slice(result.values(map_id))
        overlays[map_id] = add_overlay(volume_node, name, result.prepared.image, values)
        describe(overlays[map_id], {**shared, **map_attributes(info, map_id)})
        style_overlay(overlays[map_id], result.layer_range(map_id), colour_node)
    return overlays


def _title(result: SliceExplanation) -> str:
    image = result.prepared.image
    return f"MedXAI · {image.volume_name} · {image.where} · {box_text(result)}"


def attach(node: slicer.vtkMRMLNode, shared: dict[str, str], volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Notes on a node where it comes from."""
    describe(node, shared)
    node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())


def add_folder(scene: slicer.vtkMRMLScene, title: str, nodes: Sequence[slicer.vtkMRMLNode]) -> int:
    """A subject hierarchy folder with the nodes in it."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), title)
    for node in nodes:
        put_into_folder(hierarchy, folder, node)
    return folder


def put_into_folder(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, folder: int, node: slicer.vtkMRMLNode) -> None:
    """Moves a node's item into a folder of the subject hierarchy."""
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:  # without Slicer's own plugins the node has no item yet
        hierarchy.CreateItem(folder, node)


def remove_result(done: SceneResult) -> None:
    """Takes an explanation's overlays and segmentation out of the scene; the region stays with the user."""
    scene = done.segmentation_node.GetScene()
    if scene is not None:
        remove_with_folder(scene, [*done.overlays.values(), done.segmentation_node], done.folder_item)


def remove_with_folder(scene: slicer.vtkMRMLScene, nodes: Sequence[slicer.vtkMRMLNode], folder: int) -> None:
    """Takes nodes out of the scene, as far as they are still there, and their folder; what else is in it stays."""
    for node in nodes:
        if scene.IsNodePresent(node):
            scene.RemoveNode(node)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    hierarchy.RemoveItem(folder, False, False)
