"""The outline in a scene: three kinds that differ, exactly on the slice, and there again after saving."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="needs the package slicer-core")

import vtk
from vtk.util.numpy_support import vtk_to_numpy

from medxai.contour.result import ContourKind
from medxai.scene.bundle import add_volume, write_scene
from medxai.scene.contours import show_contour
from medxai.scene.headless import load_scene_bundle
from medxai.volume.phantom import make_phantom
from support import answered


@pytest.fixture(scope="module")
def volume():
    return make_phantom().volume


@pytest.fixture(scope="module")
def result():
    """The phantom's liver, its outline told to be of all three kinds, a third each."""
    found = answered.phantom_case("liver").result
    check, third = found.contour, len(found.contour) // 3
    follows = np.zeros((len(check), 4))
    follows[:third, 0] = 0.9
    tolerance = np.full(len(check), 0.3)
    tolerance[third : 2 * third] = 3.0
    return replace(found, contour=replace(check, follows_box=follows, tolerance_mm_per_logit=tolerance))


def cut_by_the_slice(node, image):
    """(n, 3): where a slice view's plane cuts a model."""
    plane = vtk.vtkPlane()
    plane.SetOrigin(image.pixel_to_ras_mm[:3, 3])
    plane.SetNormal(np.cross(image.pixel_to_ras_mm[:3, 0], image.pixel_to_ras_mm[:3, 1]))
    cutter = vtk.vtkCutter()
    cutter.SetCutFunction(plane)
    cutter.SetInputData(node.GetPolyData())
    cutter.Update()
    return vtk_to_numpy(cutter.GetOutput().GetPoints().GetData())


def test_each_kind_is_a_line_on_its_own_stretch_of_the_slice(scene, volume, result):
    nodes = show_contour(result, add_volume(scene, volume))
    assert set(nodes) == set(ContourKind)
    kinds = np.array(result.contour.kind)
    for kind, node in nodes.items():
        cut, own = cut_by_the_slice(node, result.prepared.image), result.contour.points_ras_mm[kinds == str(kind)]
        apart = np.linalg.norm(cut[:, None] - own[None], axis=2).min(axis=1)
        assert len(cut) > 10 and apart.max() < 4  # a piece may reach to the next kind's first point
    low, high = np.array(nodes[ContourKind.FIRM].GetPolyData().GetBounds()).reshape(3, 2).T
    assert high[2] - low[2] == pytest.approx(result.prepared.image.spacing_mm[2])


def test_kinds_differ_in_colour_width_and_dash(scene, volume, result):
    nodes = show_contour(result, add_volume(scene, volume))
    displays = [node.GetDisplayNode() for node in nodes.values()]
    assert len({display.GetColor() for display in displays}) == 3
    assert len({display.GetSliceIntersectionThickness() for display in displays}) == 3
    assert all(display.GetVisibility2D() for display in displays)
    pieces = []
    for node in nodes.values():
        connected = vtk.vtkPolyDataConnectivityFilter()
        connected.SetInputData(node.GetPolyData())
        connected.SetExtractionModeToAllRegions()
        connected.Update()
        pieces.append(connected.GetNumberOfExtractedRegions())
    assert pieces[0] < 5 < pieces[1] < pieces[2]  # whole, dashed, dotted
    assert ["thin" in n.GetName() for n in nodes.values()] == [True, False, False]


def test_the_saved_scene_has_the_outline_with_its_meaning(scene, volume, result, tmp_path):
    write_scene(result, volume, tmp_path / "scene.mrb")
    load_scene_bundle(scene, tmp_path / "scene.mrb")
    models = [
        scene.GetNthNodeByClass(n, "vtkMRMLModelNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
    ]
    found = {
        node.GetAttribute("MedXAI.ContourKind"): node for node in models if node.GetAttribute("MedXAI.ContourKind")
    }
    assert set(found) == set(map(str, ContourKind))
    for node in found.values():
        assert node.GetPolyData().GetNumberOfPoints() > 20
        assert "AUROC" in node.GetAttribute("MedXAI.HowTested") and node.GetAttribute("MedXAI.Limits")


def test_no_outline_leaves_no_model(scene, volume, result):
    empty = replace(
        result.contour,
        points_px=np.empty((0, 2)),
        points_ras_mm=np.empty((0, 3)),
        outline=np.empty(0, int),
        is_closed=(),
        length_mm=np.empty(0),
        tolerance_mm_per_logit=np.empty(0),
        follows_box=np.empty((0, 4)),
    )
    assert not show_contour(replace(result, contour=empty), add_volume(scene, volume))
