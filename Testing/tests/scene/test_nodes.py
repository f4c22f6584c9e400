"""Nodes are found in one pass: a scene with some hundred of them must not become slow."""

import pytest

pytest.importorskip("slicer", reason="needs the package slicer-core")

from medxai.scene.nodes import nodes_of_class
from support.scans import ROOT


def test_all_nodes_of_a_class_and_of_its_derived_ones_come_in_the_scenes_order(scene) -> None:
    made = [
        scene.AddNewNodeByClass(class_name)
        for class_name in ("vtkMRMLScalarVolumeNode", "vtkMRMLLabelMapVolumeNode", "vtkMRMLScalarVolumeNode")
    ]
    scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    found = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    assert len(found) == 3 and all(one is other for one, other in zip(found, made, strict=True))
    assert nodes_of_class(scene, "vtkMRMLMarkupsROINode") == []
    count = made[0].GetReferenceCount()
    del found
    assert made[0].GetReferenceCount() <= count, "nodes stay referenced"


def test_nobody_asks_the_scene_for_one_node_after_the_other() -> None:
    """That goes through the whole scene for each of them: with 470 nodes a step of a slider took 40 ms."""
    slow = [path.name for path in (ROOT / "MedXAI").rglob("*.py") if "GetNthNodeByClass(" in path.read_text("utf-8")]
    assert slow == []
