"""NIfTI volumes, through nibabel: version 1 and 2, one file or a pair, compressed or not whatever the name says."""

import io
import math
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from ..errors import InputError
from .contents import Kind, header_file_of, kind_of, unpacked_start_of
from .file_facts import known_place_of_nifti
from .volume import Modality, ScanFacts, Volume, make_volume

_GZIP_MAGIC = b"\x1f\x8b"
#: Millimetres of the units that a header may name.
_MM_OF_UNIT = {"meter": 1000.0, "micron": 0.001}
#: No scan's voxel is larger: a header that says so names the wrong unit.
_LARGEST_VOXEL_MM = 200.0
_UNPLACED = "The file says neither where the volume lies nor how it is turned (no qform, no sform), so its orientation is not known."


def read_nifti(path: Path, modality: Modality | str | None = None) -> Volume:
    """The volume of a .nii or .nii.gz file.

    Args:
        path: Of the file.
        modality: The kind of scan; None: a guess from the values.

    Raises:
        InputError: Where it is damaged, holds colours, complex numbers or several volumes, or is no NIfTI.
    """
    image = _image_of(path)
    # nibabel itself puts 1 mm where a header says 0.
    known = known_place_of_nifti(unpacked_start_of(header_file_of(path)))
    affine, notes = _in_millimetres(image)
    notes += _notes_on_two_places(image) if known.has_orientation else [_UNPLACED]
    if not known.has_spacing:
        notes.append("The file does not say how large a voxel is (its spacing is 0), so no millimetres are shown.")
    facts = ScanFacts(
        has_known_orientation=known.has_orientation, has_known_spacing=known.has_spacing, notes=tuple(notes)
    )
    return make_volume(stem_of(path), _voxels_of(path, image), affine, modality, facts)


def stem_of(path: Path) -> str:
    """The file's name without its ending."""
    name = path.name
    return name[:-7] if name.lower().endswith(".nii.gz") else path.stem


def _image_of(path: Path) -> nib.Nifti1Pair:
    """The file's header with its voxels still stored. Its kind is told by its content, not by its name."""
    try:
        if kind_of(path) is Kind.NIFTI_PAIR:
            pair = nib.Nifti2Pair if 540 in _first_numbers(unpacked_start_of(header_file_of(path))) else nib.Nifti1Pair
            return pair.from_filename(str(path))
        content = _content_of(path)
        kind = nib.Nifti2Image if 540 in _first_numbers(content) else nib.Nifti1Image
        return kind.from_bytes(content)
    except (
        ImageFileError,
        HeaderDataError,
        WrapStructError,
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        KeyError,
    ) as error:
        raise _unreadable(path) from error


def _content_of(path: Path) -> bytes:
    """The file's bytes, inflated where they are compressed, once or twice."""
    content = path.read_bytes()
    for _ in range(2):
        if content[:2] == _GZIP_MAGIC:
            content = _inflated(content)
    return content


def _first_numbers(content: bytes) -> tuple[int, int]:
    """The size of the header, by which versions are told, in both byte orders."""
    return int.from_bytes(content[:4], "little"), int.from_bytes(content[:4], "big")


def _inflated(content: bytes) -> bytes:
    """What gzip streams hold; bytes after the last stream are left alone. Raises EOFError where a stream ends early."""
    found = bytearray()
    while content[:2] == _GZIP_MAGIC:
        stream = zlib.decompressobj(wbits=31)
        found += stream.decompress(content)
        if not stream.eof:
            raise EOFError
        content = stream.unused_data
    return bytes(found)


def _voxels_of(path: Path, image: nib.Nifti1Pair) -> np.ndarray:
    """(K, J, I), in the stored type where the header asks for no scaling."""
    kind = image.get_data_dtype()
    if kind.fields or kind.kind == "c":
        held = "colours (RGB)" if kind.fields else "complex numbers"
        remedy = "convert it to greyscale first" if kind.fields else "save its magnitude as a volume of its own"
        raise InputError(f"'{path.name}' holds {held}, but MedXAI needs one scalar value a voxel; {remedy}.")
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        count = int(np.prod(shape[3:]))
        raise InputError(
            f"'{path.name}' has {len(shape)} dimensions and holds {count} volumes (a time sequence or several components), "
            "but MedXAI needs one 3-D volume; pick one time point and save it as a file of its own."
        )
    shape = (*shape, *[1] * (3 - len(shape)))
    stored_in = image.file_map["image"].fileobj
    if isinstance(stored_in, io.BytesIO) and math.prod(map(int, shape)) * kind.itemsize > stored_in.getbuffer().nbytes:
        raise _unreadable(path)  # before memory is asked for what is not there
    try:
        stored = np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(path) from error
    return np.ascontiguousarray(stored.reshape(shape, order="F").T)


def _in_millimetres(image: nib.Nifti1Pair) -> tuple[np.ndarray, list[str]]:
    """The affine in mm with a sentence where the header's lengths are in another unit; nibabel takes all for millimetres."""
    affine = np.array(image.affine, dtype=float)
    try:
        unit = image.header.get_xyzt_units()[0]
    except KeyError:  # a number that stands for no unit
        return affine, []
    scale = _MM_OF_UNIT.get(unit)
    if scale is None:
        return affine, []
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0) * scale
    if spacing_mm.max() > _LARGEST_VOXEL_MM:
        return affine, [
            f"The file says that its lengths are in {unit}s, which cannot be with voxels of {spacing_mm.max() / 1000:.3g} m; "
            "they were taken as millimetres."
        ]
    affine[:3] *= scale
    return affine, [f"The file's lengths are in {unit}s; they were turned into millimetres."]


def _notes_on_two_places(image: nib.Nifti1Pair) -> list[str]:
    """A sentence where the header's two places for the volume differ by more than half a millimetre."""
    try:
        qform, sform = image.get_qform(coded=True)[0], image.get_sform(coded=True)[0]
    except (ValueError, HeaderDataError):  # a qform that is no rotation: the sform alone counts
        return []
    if qform is None or sform is None:
        return []
    size = np.array([*image.shape[:3], *[1] * (3 - len(image.shape[:3]))])
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij"), -1).reshape(-1, 3)
    apart_mm = np.linalg.norm(((qform - sform) @ np.c_[corners, np.ones(8)].T)[:3], axis=0).max()
    if not apart_mm > 0.5:
        return []
    return [
        f"The file gives two places for the volume (qform and sform), which lie up to {apart_mm:.1f} mm apart; the sform was taken."
    ]


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"'{path.name}' cannot be read as NIfTI (damaged, truncated or of another kind); copy it again, or open it in 3D Slicer "
        "and save it as NRRD."
    )
