"""In a real MRML scene: the box lands on the same anatomy and the overlay on the same voxels, however they are placed."""

from itertools import permutations, product

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs the package slicer-core")

from medxai.engine import Engine
from medxai.errors import InputError
from medxai.progress import RunControl
from medxai.scene import views
from medxai.scene.bundle import add_volume
from medxai.scene.explaining import NodeRequest, explain_nodes
from medxai.scene.geometry import array_of, matrix_of, world_from_ijk
from medxai.scene.regions import box_of_roi, roi_of_box
from medxai.scene.slices import slice_in_view
from medxai.scene.volumes import volume_of
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import as_one_slice_volume, slice_of
from medxai.volume.volume import PLANE_AXES, make_volume
from support.models import small_model

SHAPE_IJK = (24, 20, 16)
EVERY_STORAGE = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]
#: A rotation about an odd axis with a shift, as registration makes it.
RIGID = np.array([[0.36, 0.48, -0.8, 12.0], [-0.8, 0.6, 0.0, -30.0], [0.48, 0.64, 0.6, 5.0], [0, 0, 0, 1]])
AFFINE = RIGID @ np.diag([1.2, 0.9, 1.1, 1.0])
#: Every storage in every plane, half of them under a transform: each storage, and each plane, comes with and without one.
EVERY_PLACE = [
    pytest.param(
        axes,
        signs,
        plane,
        (None, AFFINE)[turn % 2],
        id=f"{axes}{signs}-{plane}-{('untransformed', 'affine')[turn % 2]}",
    )
    for number, (axes, signs) in enumerate(EVERY_STORAGE)
    for turn, plane in enumerate(PLANE_AXES, start=number)
]


def stored(axes, signs, bright=None):
    """A volume with IJK axes along signed RAS axes; background noise and one bright voxel (i, j, k)."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for axis, (ras, sign) in enumerate(zip(axes, signs, strict=False)):
        matrix[ras, axis] = sign * (1.5, 2.0, 3.0)[axis]
    matrix[:3, 3] = (-20, 35, 60)
    voxels = np.random.default_rng(0).integers(0, 100, SHAPE_IJK[::-1]).astype(np.int16)
    if bright is not None:
        voxels[bright[2], bright[1], bright[0]] = 3000
    return make_volume("stored", voxels, matrix, "MR")


def under(scene, matrix, *nodes):
    """The nodes put under a linear transform."""
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    transform.SetMatrixTransformToParent(matrix_of(matrix))
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def world_of_voxels(node):
    k, j, i = np.indices(slicer.util.arrayFromVolume(node).shape)
    return np.einsum("rc,cn->rn", world_from_ijk(node), np.stack([i, j, k, 1 + 0 * i]).reshape(4, -1).astype(float))[:3]


def rotated_roi(scene, centre_world, axes, sizes):
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "ROI")
    roi.SetRadiusXYZ(0, 0, 0)
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = axes, centre_world
    roi.SetAndObserveObjectToNodeMatrix(matrix_of(frame))
    roi.SetSize(*sizes)
    return roi


@pytest.fixture(scope="module")
def explain():
    """What the console does with nodes, by one engine and a small model in memory."""
    engine, model = Engine(), small_model()

    def run(volume_node, roi_node, slice_node=None, control=RunControl(), **options):
        return explain_nodes(engine, NodeRequest(volume_node, roi_node, slice_node, model, **options), control)

    return run


@pytest.mark.parametrize(("axes", "signs", "plane", "transform"), EVERY_PLACE)
def test_box_view_and_overlay_lie_on_the_same_anatomy(scene, explain, axes, signs, plane, transform):
    """One bright voxel, a rotated ROI around it, a view turned onto its slice: the overlay's voxels are the slice's."""
    first, second, through = PLANE_AXES[plane]
    bright = (9, 11, 6)
    volume = stored(axes, signs, bright)
    node = add_volume(scene, volume)
    if transform is not None:
        under(scene, transform, node)
    slice_node = views.slice_view(scene, "Green")
    views.look_at(slice_node, node, slice_of(volume, plane, bright[through]))

    image = slice_in_view(volume_of(node), node, slice_node)
    assert (image.plane, image.index) == (plane, bright[through])
    centre = world_from_ijk(node) @ [*bright, 1]
    to_world = world_from_ijk(node)
    edges = [to_world[:3, a] / np.linalg.norm(to_world[:3, a]) for a in (first, second)]
    turned = np.cos(0.6) * edges[0] + np.sin(0.6) * edges[1]
    turned /= np.linalg.norm(turned)
    normal = np.cross(edges[0], edges[1])
    normal /= np.linalg.norm(normal)
    roi = rotated_roi(scene, centre[:3], np.stack([turned, np.cross(normal, turned), normal], axis=1), (10.0, 8.0, 1.0))
    box = box_of_roi(roi, node, image).box
    assert box.first_column <= bright[first] <= box.last_column
    assert box.first_row <= bright[second] <= box.last_row
    assert box.area_px < 90

    done = explain(node, roi, slice_node)
    overlay = done.stage_node(2)
    shape = list(slicer.util.arrayFromVolume(node).shape)
    index = np.indices(shape)[2 - through] == bright[through]
    own = world_of_voxels(node).reshape(3, *shape)[:, index]
    np.testing.assert_allclose(world_of_voxels(overlay), own, atol=1e-3)
    expected = as_one_slice_volume(
        image,
        done.explanation.on_slice(
            done.explanation.explanation.layer(done.explanation.explanation.layers[-2].layer).stages[2]
        ),
    )
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(overlay).shape, expected.voxels.shape)
    # The explained slice is the one with the landmark.
    assert image.pixels[bright[second], bright[first]] == 3000


@pytest.mark.parametrize(("axes", "signs"), EVERY_STORAGE)
def test_a_region_made_from_a_box_gives_the_box_again(scene, axes, signs):
    volume = stored(axes, signs)
    node = add_volume(scene, volume)
    under(scene, AFFINE, node)
    for plane in PLANE_AXES:
        image = slice_of(volume, plane, 7)
        whole = PixelBox(0, 0, image.shape[1] - 1, image.shape[0] - 1)
        for box in (PixelBox(3, 2, 9, 12), PixelBox(5, 5, 5, 5), whole):
            roi = roi_of_box(scene, "R", box, image, node)
            found = box_of_roi(roi, node, image)
            assert found.box == box, plane
            assert not found.was_clipped, plane


def test_a_region_moved_with_its_own_transform_is_followed(scene):
    volume = stored(*EVERY_STORAGE[0])
    node = add_volume(scene, volume)
    image = slice_of(volume, "axial", 7)
    roi = roi_of_box(scene, "R", PixelBox(3, 2, 9, 12), image, node)
    shift = np.eye(4)
    shift[:3, 3] = image.pixel_to_ras_mm[:3, 0] * 4 + image.pixel_to_ras_mm[:3, 1] * 2
    under(scene, shift, roi)
    assert box_of_roi(roi, node, image).box == PixelBox(7, 4, 13, 14)


def test_a_tilted_view_is_explained_on_its_own_plane(scene, explain):
    volume = stored(*EVERY_STORAGE[0])
    node = add_volume(scene, volume)
    under(scene, RIGID, node)
    slice_node = views.slice_view(scene, "Red")
    middle = world_from_ijk(node) @ [11.5, 9.5, 7.5, 1]
    tilt = np.eye(4)
    tilt[:3, :3] = RIGID[:3, :3] @ [[1, 0, 0], [0, np.cos(0.4), -np.sin(0.4)], [0, np.sin(0.4), np.cos(0.4)]]
    tilt[:3, 3] = middle[:3]
    slice_node.GetSliceToRAS().DeepCopy(matrix_of(tilt))
    slice_node.UpdateMatrices()
    image = slice_in_view(volume_of(node), node, slice_node)
    assert image.plane == "oblique"
    roi = rotated_roi(scene, middle[:3], tilt[:3, :3], (14.0, 12.0, 2.0))
    done = explain(node, roi, slice_node)
    distances = (world_of_voxels(done.stage_node(3)) - middle[:3, None]).T @ tilt[:3, 2]
    np.testing.assert_allclose(distances, 0, atol=1e-3)
    mask = slicer.util.arrayFromVolume(done.stage_node(3))[0]
    assert (mask[~image.inside] == 0).all()


@pytest.mark.parametrize(("offset", "found"), [(0.0, 7), (1.4, 7), (1.6, 8), (-1.6, 6)])
def test_the_nearest_voxel_layer_is_explained(scene, offset, found):
    volume = stored((0, 1, 2), (1, 1, 1))
    node = add_volume(scene, volume)
    slice_node = views.slice_view(scene, "Red")
    slice_node.SetSliceOffset(60 + 7 * 3.0 + offset)
    assert slice_in_view(volume, node, slice_node).index == found


def test_a_view_outside_the_volume_is_refused(scene):
    volume = stored((0, 1, 2), (1, 1, 1))
    node = add_volume(scene, volume)
    slice_node = views.slice_view(scene, "Red")
    slice_node.SetSliceOffset(500)
    with pytest.raises(InputError, match="outside"):
        slice_in_view(volume, node, slice_node)


def test_a_view_shows_the_slice_the_radiological_way_round(scene):
    volume = stored((0, 1, 2), (-1, 1, 1))
    node = add_volume(scene, volume)
    slice_node = views.slice_view(scene, "Red")
    for plane in PLANE_AXES:
        views.look_at(slice_node, node, slice_of(volume, plane, 5))
        turned = array_of(slice_node.GetSliceToRAS())[:3, :3]
        slice_node.SetOrientation(plane.capitalize())
        np.testing.assert_allclose(turned, array_of(slice_node.GetSliceToRAS())[:3, :3], atol=1e-9)
