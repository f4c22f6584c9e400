"""The DICOM images that a volume was read from, as the objects made from them have to name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ..errors import InputError
from ..volume.dicom_frames import BROKEN_FILE, damaged
from ..volume.volume import Volume

#: Without these a new object could not be put beside the images: in their patient, study and frame of reference.
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
#: A DICOM object has to have these, though they may be empty: what an image does not say stays unsaid.
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The images of one volume, without their pixels.

    Attributes:
        files: A data set for each file, in the order of the volume's slices.
        of_slice: For each slice of the volume the number of its file in `files`, and of its frame there, from 1.
    """

    files: tuple[Dataset, ...]
    of_slice: tuple[tuple[int, int], ...]

    def of_slices(self, slices: Sequence[int]) -> tuple[Dataset, ...]:
        """The files that hold some slices, each once."""
        return tuple(self.files[number] for number in dict.fromkeys(self.of_slice[k][0] for k in slices))


def check_has_source(volume: Volume) -> None:
    """Refuses a volume whose results cannot be DICOM objects; quick, so it can be asked before anything expensive.

    Raises:
        InputError: Where the volume was not read from DICOM images, or they do not say what has to be known of them.
    """
    if not volume.source_frames:
        raise InputError(
            f"'{volume.name}' was not read from DICOM, so no DICOM objects can be made: they would need a patient and a study "
            "that nobody has given. Give the DICOM series itself, or leave --dicom out."
        )
    if not volume.facts.has_known_orientation or not volume.facts.has_known_spacing:
        raise InputError(
            f"The images of '{volume.name}' do not say where they lie and how large their pixels are, so objects with a place in the "
            "patient cannot be made from them; leave --dicom out."
        )
    first = _header_of(volume.source_frames[0].file)
    missing = [name for name in _NEEDED if not str(first.get(name) or "")]
    if missing:
        raise InputError(
            f"'{volume.source_frames[0].file.name}' has no {', '.join(missing)}, which DICOM objects made from it have to name; "
            "export the series again, or leave --dicom out."
        )


def source_images_of(volume: Volume) -> SourceImages:
    """The headers of a volume's images.

    Raises:
        InputError: Where `check_has_source` does, or a file is gone or was changed.
    """
    check_has_source(volume)
    number: dict[Path, int] = {}
    for frame in volume.source_frames:
        number.setdefault(frame.file, len(number))
    files = tuple(_header_of(file) for file in number)
    for data in files:
        if data.get("SliceThickness") is None:  # highdicom compares it with the new object's, and writes none of it
            data.SliceThickness = float(volume.spacing_mm[2])
    for data, file in zip(files, number, strict=True):
        if str(data.get("StudyInstanceUID")) != str(files[0].get("StudyInstanceUID")):
            raise InputError(f"'{file.name}' is of another study than the first image; keep the images of one study.")
    return SourceImages(files, tuple((number[frame.file], frame.number + 1) for frame in volume.source_frames))


def _header_of(file: Path) -> Dataset:
    if not file.is_file():
        raise InputError(
            f"'{file}' is gone, which the DICOM objects have to name; keep the series where it is meanwhile."
        )
    try:
        data = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        for name in _MAY_BE_EMPTY:
            if name not in data:
                setattr(data, name, "")
        if not hasattr(data, "file_meta") or "TransferSyntaxUID" not in data.file_meta:
            data.file_meta = pydicom.dataset.FileMetaDataset()
            data.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2")
        return data
    except BROKEN_FILE as error:
        raise damaged(file) from error
