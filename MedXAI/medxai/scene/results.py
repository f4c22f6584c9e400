"""An explanation put into the scene: overlays, segmentation, region, one folder, and the views set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import slicer

from MedXAILib.session.choices import MapKind

from ..display_range import DisplayRange, display_range
from ..engine import SliceExplanation
from ..explainers.three_stage.stages import STAGES
from ..provenance import box_text, provenance_of, shown_layer
from . import views
from .colour_maps import colour_node_of
from .map_labels import label_of
from .overlays import add_overlay
from .regions import roi_of_box
from .segmentations import add_segmentation

INTERACTION, TERMINAL = "interaction", "terminal"


@dataclass(frozen=True)
class MapOnSlice:
    """One map as it goes into the scene.

    key: ('stage 1', 'block 11'), ('interaction', ''), ('terminal', ''). label: what a reader sees of it.
    values: (rows, columns) raw values on the slice.
    """

    key: tuple[str, str]
    label: str
    values: np.ndarray
    shown: DisplayRange


@dataclass(frozen=True)
class SceneResult:
    """The nodes that one explanation left in the scene.

    overlays: by (stage, layer) as in `MapOnSlice.key`. folder_item: the subject hierarchy item that holds them all.
    """

    explanation: SliceExplanation
    overlays: Mapping[tuple[str, str], "slicer.vtkMRMLScalarVolumeNode"]
    segmentation_node: "slicer.vtkMRMLSegmentationNode"
    roi_node: "slicer.vtkMRMLMarkupsROINode"
    colour_node: "slicer.vtkMRMLColorTableNode"
    folder_item: int

    def stage_node(self, stage: int, layer: str | None = None) -> "slicer.vtkMRMLScalarVolumeNode":
        """The overlay of a stage; without a layer, of the layer that the scene shows."""
        return self.overlays[f"stage {stage}", layer or shown_layer(self.explanation)]


def maps_on_slice(result: SliceExplanation, layers: Sequence[str] | None = None) -> list[MapOnSlice]:
    """All stages of the asked layers (default: the shown layer), then the interaction and the terminal map.

    A stage's display range is shared by all its layers, also by those that are not asked for.
    """
    explanation = result.explanation
    ranges = {stage: display_range(maps.stages[stage] for maps in explanation.layers) for stage in STAGES}
    found = []
    for layer in layers or [shown_layer(result)]:
        for stage in STAGES:
            values = result.on_slice(explanation.layer(layer).stages[stage])
            found.append(
                MapOnSlice(
                    (f"stage {stage}", layer), f"{label_of(MapKind(f'stage{stage}'))} · {layer}", values, ranges[stage]
                )
            )
    for name, values in ((INTERACTION, explanation.interaction), (TERMINAL, explanation.terminal)):
        found.append(MapOnSlice((name, ""), label_of(MapKind(name)), result.on_slice(values), display_range([values])))
    return found


def show_result(
    result: SliceExplanation,
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
    roi_node: "slicer.vtkMRMLMarkupsROINode | None" = None,
    slice_node: "slicer.vtkMRMLSliceNode | None" = None,
    layers: Sequence[str] | None = None,
) -> SceneResult:
    """Adds the nodes of a result to the volume's scene and shows stage 3 over the volume in the slice's view.

    roi_node: the region that the box came from; None: a new one is made. slice_node: the view that shows it; None: the
    view that by Slicer's habit shows the plane, if the scene has it. layers: whose maps become overlays.
    """
    scene, image = volume_node.GetScene(), result.prepared.image
    title = _title(result)
    shared = provenance_of(result)
    colour_node = colour_node_of(scene)
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = {}
        for entry in maps_on_slice(result, layers):
            attributes = {**shared, "Stage": entry.key[0], "Layer": entry.key[1]}
            name = f"{volume_node.GetName()} · MedXAI {entry.label}"
            overlays[entry.key] = add_overlay(
                volume_node, name, image, entry.values, entry.shown, colour_node, attributes
            )
        segmentation_node = add_segmentation(
            volume_node,
            f"{volume_node.GetName()} · MedXAI segmentation",
            "segmented organ",
            image,
            result.segmentation.mask,
        )
        _attach(segmentation_node, shared, volume_node)
        if roi_node is None:
            roi_node = roi_of_box(scene, f"{volume_node.GetName()} · MedXAI region", result.box.box, image, volume_node)
            _attach(roi_node, shared, volume_node)
        folder = _folder(scene, title, [*overlays.values(), segmentation_node, roi_node])
    finally:
        scene.EndState(scene.BatchProcessState)
    done = SceneResult(result, overlays, segmentation_node, roi_node, colour_node, folder)
    slice_node = slice_node or views.slice_view(scene, views.VIEW_OF_PLANE[image.plane])
    if slice_node is not None:
        views.show_overlay(slice_node, volume_node, done.stage_node(3))
        add_legend(done.stage_node(3), label_of(MapKind.STAGE3))
    return done


def add_legend(node: "slicer.vtkMRMLScalarVolumeNode", title: str) -> None:
    """A colour legend for an overlay, as Slicer's Colors module shows it."""
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(f"MedXAI {title}")
        legend.SetLabelFormat("%.2f")
        legend.SetNumberOfLabels(5)


def _title(result: SliceExplanation) -> str:
    image = result.prepared.image
    where = image.plane if image.index is None else f"{image.plane} slice {image.index}"
    return f"MedXAI · {image.volume_name} · {where} · {box_text(result)}"


def _attach(node: "slicer.vtkMRMLNode", shared: dict[str, str], volume_node: "slicer.vtkMRMLScalarVolumeNode") -> None:
    for key, value in shared.items():
        node.SetAttribute(f"MedXAI.{key}", value)
    node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())


def _folder(scene: "slicer.vtkMRMLScene", title: str, nodes: Sequence["slicer.vtkMRMLNode"]) -> int:
    """A subject hierarchy folder with the nodes in it."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), title)
    for node in nodes:
        put_into_folder(hierarchy, folder, node)
    return folder


def put_into_folder(hierarchy: "slicer.vtkMRMLSubjectHierarchyNode", folder: int, node: "slicer.vtkMRMLNode") -> None:
    """Moves a node's item into a folder of the subject hierarchy."""
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:  # without Slicer's own plugins nobody has made the node's item yet
        hierarchy.CreateItem(folder, node)


def remove_result(done: SceneResult) -> None:
    """Takes an explanation's overlays and segmentation out of the scene; the region stays with the user."""
    scene = done.segmentation_node.GetScene()
    if scene is None:
        return
    for node in [*done.overlays.values(), done.segmentation_node]:
        if scene.IsNodePresent(node):
            scene.RemoveNode(node)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    hierarchy.RemoveItem(done.folder_item, False, False)
