"""The segmentation and the table of several organs that the panel works on: one of each a volume, which new results replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import slicer

from ..organs_on_slice import OrganExplanation
from ..provenance import organs_provenance_of
from .nodes import nodes_of_class
from .organs import write_segments, write_table
from .overlays import describe
from .results import add_folder, attach
from .segmentations import empty_segmentation
from .working_result import SOURCE_REFERENCE, remove_with_empty_folders

#: Says what a node is; only nodes with it are ever written over.
_WORKING_ORGANS = "MedXAI.WorkingOrgans"
_SEGMENTATION, _TABLE = "segmentation", "table"
_CLASSES = {_SEGMENTATION: "vtkMRMLSegmentationNode", _TABLE: "vtkMRMLTableNode"}


@dataclass(frozen=True)
class WorkingOrgans:
    """The nodes of several organs, as far as the user has not deleted them.

    Attributes:
        segmentation: With a segment for each organ.
        table: Their figures, a row each.
    """

    segmentation: slicer.vtkMRMLSegmentationNode | None
    table: slicer.vtkMRMLTableNode | None

    @property
    def nodes(self) -> list[slicer.vtkMRMLNode]:
        return [node for node in (self.segmentation, self.table) if node is not None]


def find_working_organs(volume: slicer.vtkMRMLScalarVolumeNode) -> WorkingOrgans:
    """The nodes that belong to a volume, also after renaming, or saving and loading."""
    found: dict[str, slicer.vtkMRMLNode] = {}
    for node in _marked(volume.GetScene()):
        if node.GetNodeReferenceID(SOURCE_REFERENCE) == volume.GetID():
            found[node.GetAttribute(_WORKING_ORGANS)] = node
    return WorkingOrgans(found.get(_SEGMENTATION), found.get(_TABLE))


def put_working_organs(organs: Sequence[OrganExplanation], volume: slicer.vtkMRMLScalarVolumeNode) -> WorkingOrgans:
    """Writes organs into the volume's nodes, which are made where they are missing.

    Args:
        organs: On one slice.
        volume: The scan.
    """
    scene, found = volume.GetScene(), find_working_organs(volume)
    title = f"{volume.GetName()} · MedXAI organs"
    segmentation = found.segmentation or empty_segmentation(volume, title)
    table = found.table or scene.AddNewNodeByClass("vtkMRMLTableNode")
    write_segments(segmentation, organs)
    write_table(table, organs, volume)
    for role, node in ((_SEGMENTATION, segmentation), (_TABLE, table)):
        if node in found.nodes:
            describe(node, organs_provenance_of(organs))
        else:
            attach(node, organs_provenance_of(organs), volume)
            node.SetAttribute(_WORKING_ORGANS, role)
    if not found.nodes:
        add_folder(scene, title, [segmentation, table])
    return WorkingOrgans(segmentation, table)


def remove_working_organs(scene: slicer.vtkMRMLScene, volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
    """Takes the nodes of a volume, or those whose volume is gone (None), out of the scene, with their folder."""
    nodes = [node for node in _marked(scene) if node.GetNodeReference(SOURCE_REFERENCE) is volume]
    remove_with_empty_folders(scene, nodes)


def release_working_organs(volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Leaves the nodes of a volume in the scene for good."""
    for node in find_working_organs(volume).nodes:
        node.RemoveAttribute(_WORKING_ORGANS)
        node.SetName(f"{node.GetName()} · kept")


def _marked(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLNode]:
    """The marked nodes of all volumes."""
    nodes = (node for class_name in _CLASSES.values() for node in nodes_of_class(scene, class_name))
    return [node for node in nodes if node.GetAttribute(_WORKING_ORGANS)]
