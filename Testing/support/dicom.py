"""DICOM series with known truth, written with pydicom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

CLASSES = {
    "CT": uid.CTImageStorage,
    "MR": uid.MRImageStorage,
    "PT": uid.PositronEmissionTomographyImageStorage,
    "SC": uid.SecondaryCaptureImageStorage,
    "CT*": uid.EnhancedCTImageStorage,
    "MR*": uid.EnhancedMRImageStorage,
}
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def grid_lps(
    spacing: Sequence[float] = (0.8, 0.9, 2.5),
    origin: Sequence[float] = (-10, 20, -30),
    turned: np.ndarray | None = None,
) -> np.ndarray:
    """(4, 4): (column, row, slice, 1) to LPS in mm. turned: (3, 3) rotation of the axes."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if turned is None else turned) * np.array(spacing)
    matrix[:3, 3] = origin
    return matrix


def slices_of(matrix: np.ndarray, count: int) -> list[np.ndarray]:
    """The (4, 4) geometry of each slice of a grid: (column, row, 0, 1) to LPS."""
    found = []
    for k in range(count):
        one = matrix.copy()
        one[:, 3] = matrix @ [0, 0, k, 1]
        found.append(one)
    return found


def item(**attributes: object) -> Dataset:
    """A data set with the attributes that are not None."""
    made = Dataset()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def place(to_lps: np.ndarray) -> dict[str, object]:
    """The attributes that say where a slice lies."""
    width, height = np.linalg.norm(to_lps[:3, :2], axis=0)

    def text(numbers):
        return [f"{v:.8g}" for v in numbers]

    return {
        "ImagePositionPatient": text(to_lps[:3, 3]),
        "PixelSpacing": text([height, width]),
        "ImageOrientationPatient": text([*to_lps[:3, 0] / width, *to_lps[:3, 1] / height]),
    }


def write_image(path: Path, stored: np.ndarray, kind: str = "CT", sop: str | None = None, **attributes: object) -> Path:
    """A DICOM file of stored values (rows, columns) or (frames, rows, columns); an attribute of None is left out."""
    bits = stored.dtype.itemsize * 8
    data = item(
        **{
            "SOPClassUID": CLASSES[sop or kind],
            "SOPInstanceUID": uid.generate_uid(),
            "StudyInstanceUID": "1.2.3.4",
            "SeriesInstanceUID": "1.2.3.5",
            "FrameOfReferenceUID": "1.2.3.9",
            "PatientName": "Made^Up",
            "PatientID": "MADEUP",
            "StudyDate": "20200101",
            "StudyTime": "000000",
            "StudyID": "1",
            "SeriesNumber": 1,
            "Modality": kind,
            "PhotometricInterpretation": "MONOCHROME2",
            "SamplesPerPixel": 1,
            "Rows": stored.shape[-2],
            "Columns": stored.shape[-1],
            "BitsAllocated": bits,
            "BitsStored": bits,
            "HighBit": bits - 1,
            "PixelRepresentation": int(stored.dtype.kind == "i"),
            "RescaleSlope": 1,
            "RescaleIntercept": -1024 if kind == "CT" else 0,
            "InstanceNumber": 1,
            "PixelData": np.ascontiguousarray(stored).tobytes(),
            **attributes,
        }
    )
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path, stored: np.ndarray, places: Sequence[np.ndarray], kind: str = "CT", **attributes
) -> None:
    """A file a slice. stored: (slices, rows, columns). An attribute that is a list has a value a slice."""
    for k, (pixels, to_lps) in enumerate(zip(stored, places, strict=True)):
        own = {key: value[k] if isinstance(value, list) else value for key, value in attributes.items()}
        write_image(folder / f"s{k:03}.dcm", pixels, kind, **{"InstanceNumber": k + 1, **place(to_lps), **own})


def write_frames(
    path: Path,
    stored: np.ndarray,
    places: Sequence[np.ndarray],
    kind: str = "MR",
    slopes: Sequence[float] | None = None,
    **own,
) -> None:
    """One enhanced multi-frame file. own: a keyword of a frame's echo sequence with a value a frame."""
    where = [place(to_lps) for to_lps in places]
    frames = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=at["ImagePositionPatient"])],
            PixelValueTransformationSequence=[
                item(RescaleSlope=1 if slopes is None else slopes[n], RescaleIntercept=0, RescaleType="US")
            ],
            MREchoSequence=[item(EffectiveEchoTime=own["EffectiveEchoTime"][n])] if own else None,
        )
        for n, at in enumerate(where)
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=where[0]["PixelSpacing"], SliceThickness="2")],
        PlaneOrientationSequence=[item(ImageOrientationPatient=where[0]["ImageOrientationPatient"])],
    )
    write_image(
        path,
        stored,
        kind,
        kind + "*",
        NumberOfFrames=len(frames),
        RescaleSlope=None,
        RescaleIntercept=None,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
