"""Export from the panel as DICOM objects: of the images that Slicer loaded the volume from, or not at all and said why."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import slicer

from medxai.scene.views import look_at
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.reading import read_volume
from medxai.volume.volume import make_volume
from stand_ins.panel_bench import PanelBench
from support.dicom import grid_lps, slices_of, write_series

pytest.importorskip("highdicom", reason="needs the package highdicom (pip install 'medxai[dicom]')")

COUNT, K = 6, 2


class Database:
    """Slicer's DICOM database as far as MedXAI asks it: an image's file by its UID, '' for an unknown one."""

    def __init__(self, files: list[Path]):
        self._files = {pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID: str(file) for file in files}

    @property
    def uids(self) -> str:
        return " ".join(self._files)

    def fileForInstance(self, uid: str) -> str:
        return self._files.get(uid, "")


@pytest.fixture
def loaded(bench: PanelBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelBench:
    """A series as Slicer has it, its slices in the other order than MedXAI's own reader, and a box on one of them."""
    rows, columns = np.ogrid[:50, :70]
    ball = ((rows - 22) / 12) ** 2 + ((columns - 30) / 17) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 20, (COUNT, 50, 70))
    stored = (1024 + np.where(ball, 150, 20) + noise).astype(np.uint16)
    write_series(tmp_path / "series", stored, slices_of(grid_lps(), COUNT), SliceThickness="2")
    own = read_volume(tmp_path / "series")
    turned = own.ijk_to_ras_mm @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, COUNT - 1], [0, 0, 0, 1.0]])
    volume = make_volume("CT", own.voxels[::-1].copy(), turned, "CT")
    database = Database(sorted((tmp_path / "series").iterdir()))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    node, image = bench.load(volume), slice_of(volume, "axial", K)
    node.SetAttribute("DICOM.instanceUIDs", database.uids)
    look_at(bench.red, node, image)
    bench.settle()
    bench.draw(image, PixelBox(12, 9, 48, 35)).SetName("Liver")
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    bench.click("dicomCheck")
    return bench


def export(bench: PanelBench, folder: Path) -> None:
    bench.answer(str(folder))
    bench.click("exportButton")
    bench.pump(lambda: not bench.state.is_busy)
    bench.settle()


def test_the_objects_name_the_images_of_the_slice_and_of_the_organ_through_the_slices(loaded, tmp_path):
    bench = loaded
    region = bench.parameters.region
    region.SetSize(*region.GetSize()[:2], 3 * 2.5)
    bench.settle()
    bench.click("throughButton")
    assert bench.pump(lambda: bench.state.followed is not None), bench.state
    bench.settle()
    export(bench, tmp_path / "out")
    assert bench.ui.statusLabel.text.startswith("✔ Written"), bench.ui.statusLabel.text
    assert (tmp_path / "out" / "report.html").exists()
    segment = sitk.ReadImage(str(tmp_path / "out" / "segmentation.seg.nrrd"))
    assert segment.GetMetaData("Segment0_Name") == "liver"
    report = str(pydicom.dcmread(tmp_path / "out" / "dicom" / "report.dcm"))
    assert "OUTLINE_FOLLOWS_" in report, "the box is looked at for DICOM objects, too"
    data = pydicom.dcmread(tmp_path / "out" / "dicom" / "segmentation.dcm")
    np.testing.assert_array_equal(np.squeeze(data.pixel_array), bench.state.result.segmentation.mask)
    (named,) = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    images = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, (tmp_path / "series").iterdir())}
    place = np.array(images[named.ReferencedSOPInstanceUID].ImagePositionPatient, float)
    expected = bench.state.result.prepared.image.pixel_to_ras_mm[:3, 3] * [-1, -1, 1]
    np.testing.assert_allclose(place, expected, atol=1e-3)
    assert data.SegmentSequence[0].SegmentLabel == "liver" and data.PatientID == "MADEUP"
    data = pydicom.dcmread(tmp_path / "out" / "through_slices_dicom" / "segmentation.dcm")
    assert int(data.pixel_array.sum()) == int(bench.state.followed.result.mask.sum())
    assert (tmp_path / "out" / "through_slices" / "segmentation.seg.nrrd").exists()


def test_without_its_images_a_sentence_says_so_and_nothing_is_written(loaded, tmp_path):
    bench, node = loaded, loaded.parameters.volume
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    export(bench, tmp_path / "out")
    assert "no longer where Slicer's DICOM database" in bench.ui.statusLabel.text
    node.RemoveAttribute("DICOM.instanceUIDs")
    export(bench, tmp_path / "out")
    assert bench.ui.statusLabel.text.startswith("✖ 'CT' was not loaded from DICOM")
    assert not (tmp_path / "out").exists()
