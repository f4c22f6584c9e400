"""What a scan's file says of place and size, from its first bytes alone: for volumes that another program has read.

A reader has to put something where a file says nothing, and its volume does not tell that it did.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .contents import Kind, header_file_of, kind_of, unpacked_start_of
from .itk_headers import header_facts_of


@dataclass(frozen=True)
class KnownPlace:
    """What a file says.

    Attributes:
        has_orientation: How the volume lies in the patient.
        has_spacing: How large a voxel is.
        is_picture: Whether it is a picture (PNG, JPEG), not a scan.
    """

    has_orientation: bool = True
    has_spacing: bool = True
    is_picture: bool = False


def known_place_of(path: Path) -> KnownPlace:
    """The facts of a file; those of a complete one where it is gone, or is of a kind that is not known here."""
    try:
        if not path.is_file():
            return KnownPlace()
        kind = kind_of(path)
        if kind is Kind.PICTURE:
            return KnownPlace(False, False, is_picture=True)
        if kind in (Kind.NIFTI, Kind.NIFTI_PAIR):
            return known_place_of_nifti(unpacked_start_of(header_file_of(path)))
        if kind is Kind.DICOM:
            return KnownPlace()
        header = header_facts_of(path)
    except (InputError, OSError, ValueError):
        return KnownPlace()
    return KnownPlace(header.has_orientation, header.has_spacing)


def known_place_of_nifti(start: bytes) -> KnownPlace:
    """The facts of a NIfTI header of version 1 or 2, in either byte order; start: its bytes."""
    size, order = next(
        ((size, order) for size in (348, 540) for order in "<>" if start[:4] == struct.pack(f"{order}i", size)),
        (0, "<"),
    )
    if not size or len(start) < size:
        return KnownPlace()
    # Offsets of the voxel's edges and of the codes of qform and sform (nifti1.h, nifti2.h).
    edges = struct.unpack_from(f"{order}3f", start, 80) if size == 348 else struct.unpack_from(f"{order}3d", start, 112)
    codes = (
        struct.unpack_from(f"{order}2h", start, 252) if size == 348 else struct.unpack_from(f"{order}2i", start, 344)
    )
    return KnownPlace(any(codes), bool(codes[1]) or all(edges))
