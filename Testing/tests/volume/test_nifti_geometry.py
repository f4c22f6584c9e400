"""Whatever NIfTI or NRRD comes in: every voxel has its own value at its own place, in any type, byte order and axis order."""

import gzip
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medxai.volume.reading import read_volume

TYPES = ("u1", "i2", "u2", "i4", "f4", "f8")
#: Headers hold places as single floats, up to 400 mm from the middle.
PLACE_MM = 1e-3


@st.composite
def affines(draw, sheared: bool) -> np.ndarray:
    """(4, 4): axes in any order and sense, turned by any angle, of any spacing, sheared where asked for."""
    axes = np.eye(3)[list(draw(st.permutations(range(3))))] * draw(
        st.lists(st.sampled_from([1, -1]), min_size=3, max_size=3)
    )
    if draw(st.booleans()):
        turned = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=(3, 3)))[0]
        axes = turned @ axes
    spacing = draw(st.lists(st.floats(0.2, 9), min_size=3, max_size=3))
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    if sheared:
        affine[:3, 2] += draw(st.floats(-0.6, 0.6)) * affine[:3, 1]
    affine[:3, 3] = draw(st.lists(st.floats(-400, 400), min_size=3, max_size=3))
    return affine


def _voxels(draw, kind: str) -> np.ndarray:
    shape = draw(st.tuples(*[st.integers(1, 6)] * 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = rng.integers(0, 250, shape) if kind == "u1" else rng.integers(-1000 if kind[0] != "u" else 0, 2000, shape)
    return whole.astype(kind) if kind[0] != "f" else (whole + rng.random(shape)).astype(kind)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_nifti_is_read_wrong(data):
    draw = data.draw
    kind, order = draw(st.sampled_from(TYPES)), draw(st.sampled_from("<>"))
    voxels, version = _voxels(draw, kind), draw(st.sampled_from([nib.Nifti1Image, nib.Nifti2Image]))
    by_quaternion = draw(st.booleans())
    affine = draw(affines(sheared=not by_quaternion and draw(st.booleans())))
    header = version.header_class(endianness=order)
    header.set_data_dtype(np.dtype(order + kind))
    image = version(voxels.T.astype(order + kind), affine, header)
    image.set_qform(affine if by_quaternion else None, int(by_quaternion))
    image.set_sform(None if by_quaternion else affine, int(not by_quaternion))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / draw(st.sampled_from(["scan.nii", "scan.nii.gz", "scan", "scan.nrrd"]))
        content = image.to_bytes()
        path.write_bytes(gzip.compress(content, 1) if draw(st.booleans()) else content)
        volume = read_volume(path, "MR")
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.ijk_to_ras_mm, affine, atol=PLACE_MM, rtol=1e-4)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_nrrd_or_meta_image_is_read_wrong(data):
    draw = data.draw
    voxels, affine = _voxels(draw, draw(st.sampled_from(TYPES))), draw(affines(sheared=False))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    image = sitk.GetImageFromArray(voxels)
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / draw(st.sampled_from(["scan.nrrd", "scan.nhdr", "scan.mha", "scan.mhd"]))
        sitk.WriteImage(image, str(path), draw(st.booleans()))
        volume = read_volume(path, "MR")
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.ijk_to_ras_mm, affine, atol=PLACE_MM, rtol=1e-4)
    assert volume.facts.has_known_orientation and volume.facts.has_known_spacing
