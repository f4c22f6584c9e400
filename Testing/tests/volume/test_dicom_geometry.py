"""Whatever series comes in: every voxel lies where it was cut and has its own value, or the series is refused.

`MEDXAI_RANDOM_SERIES=1000 pytest Testing/tests/volume/test_dicom_geometry.py` tries a thousand; a usual run tries a few.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydicom import uid

from medxai.errors import InputError
from medxai.volume.reading import read_volume
from support.dicom import RAS_TO_LPS, grid_lps, slices_of, write_frames, write_image, write_series

RANDOM_SERIES = int(os.environ.get("MEDXAI_RANDOM_SERIES", "40"))
#: Headers hold eight digits, and positions may be rounded.
PLACE_MM = 0.25
FAULTS = (
    *("none", "none", "missing", "moved", "sideways", "turned", "pixel size", "echo", "twice", "copied"),
    *("truncated", "another size", "scout", "phase"),
)
#: Faults that single files have.
ONE_FILE_EACH = ("turned", "pixel size", "copied", "truncated", "another size", "scout", "phase")
#: What may be read, but not without a word.
HARMLESS = ("none", "copied", "scout")
#: As which files may lie on a disk; compressed ones are tried in test_dicom.py.
SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian,
            uid.DeflatedExplicitVRLittleEndian, uid.RLELossless)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """What was written. places: (4, 4) a slice; values: (slices, rows, columns) after rescale; fault: what is wrong."""

    places: list[np.ndarray]
    values: np.ndarray
    fault: str


@st.composite
def directions(draw) -> np.ndarray:
    """(3, 3) rotation: along the patient's axes in any order and sense, slightly oblique, or any."""
    kind = draw(st.sampled_from(["aligned", "slightly oblique", "any"]))
    angles = draw(st.lists(st.floats(-np.pi, np.pi), min_size=3, max_size=3))
    if kind == "any":
        return _rotation(angles)
    quarter = _rotation(np.array(draw(st.lists(st.integers(0, 3), min_size=3, max_size=3))) * np.pi / 2)
    return np.rint(quarter) if kind == "aligned" else np.rint(quarter) @ _rotation(np.array(angles) / 20)


def _rotation(angles) -> np.ndarray:
    turned = np.eye(3)
    for (first, second), angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        one = np.eye(3)
        one[first, first] = one[second, second] = np.cos(angle)
        one[first, second], one[second, first] = -np.sin(angle), np.sin(angle)
        turned = turned @ one
    return turned


@settings(max_examples=RANDOM_SERIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_series_is_read_wrong_without_a_word(data):
    with tempfile.TemporaryDirectory() as folder:
        series, regular = _written(data, Path(folder))
        event(series.fault)
        try:
            volume = read_volume(Path(folder))
        except InputError as error:
            assert not regular, f"refused though nothing is wrong: {error}"
            assert 30 <= len(str(error)) <= 690
            return
        assert series.fault in HARMLESS, f"read although: {series.fault}"
        assert volume.notes or series.fault == "none"
        _check_every_voxel(volume, series)


@settings(max_examples=max(RANDOM_SERIES // 4, 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_of_two_echoes_can_be_chosen(data):
    with tempfile.TemporaryDirectory() as folder:
        series, _ = _written(data, Path(folder), "echo")
        for stack in (1, 2):
            volume = read_volume(Path(folder), stack=stack)
            assert any(f"stack {stack}" in note for note in volume.notes)
            _check_every_voxel(volume, series)


def _check_every_voxel(volume, series: Series) -> None:
    """Each of the volume's slices is one of those written, at its place, with its values, and none comes twice."""
    found = []
    for k, slice_values in enumerate(volume.voxels):
        matches = [
            n for n, values in enumerate(series.values) if np.allclose(values, slice_values, rtol=1e-5, atol=1e-3)
        ]
        assert len(matches) == 1, "the values are those of no slice"
        found += matches
        rows, columns = slice_values.shape
        for i, j in ((0, 0), (columns - 1, 0), (0, rows - 1), (columns - 1, rows - 1)):
            place = RAS_TO_LPS @ volume.ijk_to_ras_mm @ [i, j, k, 1]
            assert np.linalg.norm(place - series.places[matches[0]] @ [i, j, 0, 1]) < PLACE_MM
    assert len(set(found)) == len(found)


def _written(data, folder: Path, fault: str | None = None) -> tuple[Series, bool]:
    """A random series in the folder, and whether it has to be read as it is."""
    draw = data.draw
    fault = fault or draw(st.sampled_from(FAULTS))
    rows, columns, count = draw(st.integers(2, 6)), draw(st.integers(2, 6)), draw(st.integers(1, 7))
    count = max(count, 4) if fault not in ("none", "copied", "twice") else count
    count = max(count, 2) if fault == "phase" else count
    spacing = draw(st.lists(st.floats(0.3, 8), min_size=3, max_size=3))
    origin = draw(st.lists(st.floats(-400, 400), min_size=3, max_size=3))
    grid = grid_lps(spacing, origin, draw(directions()))
    if draw(st.booleans()):  # a tilted gantry
        along_rows = grid[:3, 1] / np.linalg.norm(grid[:3, 1])
        grid[:3, 2] += np.tan(np.deg2rad(draw(st.floats(-30, 30)))) * spacing[2] * along_rows
    places = slices_of(grid, count)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    is_signed = draw(st.booleans())
    stored = rng.integers(-2000 if is_signed else 0, 4000, (count, rows, columns)).astype("i2" if is_signed else "u2")
    stored[:, 0, 0] = np.arange(count) * 100 + 7  # no two slices are equal
    places = _with_fault(fault, places, draw)
    echoes = [10.0] * len(places)
    if fault in ("echo", "twice", "phase"):
        places, stored = places * 2, np.concatenate([stored, stored + 4000])
        echoes = [10.0] * count + [80.0 if fault == "echo" else 10.0] * count
    if fault == "missing":
        gone = draw(st.integers(1, count - 2))
        keep = [n for n in range(count) if n != gone]
        places, stored, echoes = [places[n] for n in keep], stored[keep], echoes[1:]
    order = draw(st.permutations(range(len(places))))
    places, stored, echoes = [places[n] for n in order], stored[order], [echoes[n] for n in order]
    slopes = (
        [draw(st.sampled_from([1.0, 0.5, 1.7, 3.0])) for _ in places] if draw(st.booleans()) else [1.0] * len(places)
    )
    intercept = draw(st.sampled_from([0.0, 0.0, -1024.0, 0.25]))
    values = stored * np.array(slopes)[:, None, None]
    if fault not in ONE_FILE_EACH and draw(st.booleans()):
        write_frames(folder / "frames.dcm", stored, places, slopes=slopes, EffectiveEchoTime=echoes)
    else:
        values = values + intercept
        own = {"RescaleSlope": slopes, "RescaleIntercept": intercept, "EchoTime": [f"{echo:g}" for echo in echoes]}
        if fault == "phase":
            own["TriggerTime"] = [f"{300 * (value[0, 0] >= 4000)}" for value in stored]
        write_series(folder, stored, places, "MR", **own)
        _stored_as(draw(st.sampled_from(SYNTAXES)), folder)
    _with_file_fault(fault, folder, draw)
    return Series(places, values, fault), fault in HARMLESS


def _stored_as(syntax: str, folder: Path) -> None:
    """Writes the files once more in another transfer syntax."""
    for file in folder.iterdir() if syntax != uid.ExplicitVRLittleEndian else ():
        data = pydicom.dcmread(file)
        if syntax == uid.RLELossless:
            data.compress(syntax, generate_instance_uid=False)
        elif syntax == uid.ExplicitVRBigEndian:
            data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
        data.file_meta.TransferSyntaxUID = syntax
        implicit, little = syntax == uid.ImplicitVRLittleEndian, syntax != uid.ExplicitVRBigEndian
        pydicom.dcmwrite(file, data, implicit_vr=implicit, little_endian=little, force_encoding=True)


def _with_file_fault(fault: str, folder: Path, draw) -> None:
    """A copy, a truncated file, a slice of another size, or a scout beside the others."""
    files = sorted(folder.iterdir())
    file = files[draw(st.integers(0, len(files) - 1))]
    if fault == "copied":
        (folder / "copy.dcm").write_bytes(file.read_bytes())
    elif fault == "truncated":
        whole = file.read_bytes()
        file.write_bytes(whole[: max(140, int(draw(st.floats(0, 0.99)) * len(whole)))])
    elif fault in ("another size", "scout"):
        data = pydicom.dcmread(file)
        kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"] if fault == "scout" else None
        where = {key: data[key].value for key in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")}
        if fault == "scout":
            where["ImageOrientationPatient"] = [
                *where["ImageOrientationPatient"][3:],
                *where["ImageOrientationPatient"][:3],
            ]
        write_image(folder / "scout.dcm", np.zeros((7, 8), np.uint16), "MR", ImageType=kind, EchoTime="10", **where)


def _with_fault(fault: str, places: list[np.ndarray], draw) -> list[np.ndarray]:
    """The slices with one of them moved, turned, or of another pixel size."""
    places = [place.copy() for place in places]
    if fault in ("moved", "sideways", "turned", "pixel size"):
        one = places[draw(st.integers(1, len(places) - 2))]
        if fault == "moved":
            normal = np.cross(one[:3, 0], one[:3, 1])
            step = np.linalg.norm(places[1][:3, 3] - places[0][:3, 3])
            one[:3, 3] += draw(st.floats(0.2, 0.8)) * max(step, 1.5) * normal / np.linalg.norm(normal)
        elif fault == "sideways":
            one[:3, 3] += draw(st.floats(0.5, 50)) * one[:3, 0] / np.linalg.norm(one[:3, 0])
        elif fault == "turned":
            angle = draw(st.floats(0.05, 3))
            first, second = one[:3, 0].copy(), one[:3, 1].copy()
            ratio = np.linalg.norm(first) / np.linalg.norm(second)
            one[:3, 0] = np.cos(angle) * first + np.sin(angle) * second * ratio
            one[:3, 1] = np.cos(angle) * second - np.sin(angle) * first / ratio
        else:
            one[:3, draw(st.integers(0, 1))] *= draw(st.floats(1.05, 2))
    return places
