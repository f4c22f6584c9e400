"""What the headers of NRRD, MetaImage and Analyze files say of place and size, and what ITK makes up where they say nothing."""

from dataclasses import dataclass
from pathlib import Path

#: A header ends before this.
_HEAD_BYTES = 1 << 16
#: NRRD's names of spaces that are the patient's; 'scanner-xyz', for example, says nothing of the patient.
_PATIENT_SPACES = {
    name
    for long, short in (
        ("right-anterior-superior", "ras"),
        ("left-anterior-superior", "las"),
        ("left-posterior-superior", "lps"),
    )
    for name in (long, short, f"{long}-time", f"{short}t")
}
_MM_OF_UNIT = {"m": 1000.0, "cm": 10.0, "um": 0.001, "µm": 0.001, "μm": 0.001, "micron": 0.001, "nm": 1e-6}


@dataclass(frozen=True)
class HeaderFacts:
    """What a header says.

    Attributes:
        has_orientation: How the volume lies in the patient.
        has_spacing: How large a voxel is.
        mm_per_unit: Millimetres of the header's unit of length, which ITK leaves as it is.
        unit: Its name.
        data_file: Another file that holds the voxels; '' for none.
        dimension: How many axes there are; 0 where it does not say.
    """

    has_orientation: bool = True
    has_spacing: bool = True
    mm_per_unit: float = 1.0
    unit: str = "mm"
    data_file: str = ""
    dimension: int = 0


def header_facts_of(path: Path) -> HeaderFacts:
    """The facts of a file's header; those of a complete one for kinds of files that are not known here."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"NRRD"):
        return _of_nrrd(_fields(head.replace(b"\r", b"").partition(b"\n\n")[0], ":"))
    if b"NDims" in head[:_HEAD_BYTES] and b"ElementDataFile" in head:
        line_end = head.find(b"\n", head.index(b"ElementDataFile"))
        return _of_meta_image(_fields(head[: line_end if line_end >= 0 else None], "="))
    if path.suffix.lower() in (".hdr", ".img"):  # Analyze; a pair with NIfTI's mark is read elsewhere
        return HeaderFacts(has_orientation=False)
    return HeaderFacts()


def _fields(head: bytes, sign: str) -> dict[str, str]:
    lines = (line.partition(sign) for line in head.decode("utf-8", "replace").splitlines() if not line.startswith("#"))
    return {key.strip().lower(): value.strip() for key, _, value in lines}


def _of_nrrd(fields: dict[str, str]) -> HeaderFacts:
    directions = fields.get("space directions", "")
    units = [unit.strip().strip('"').lower() for unit in fields.get("space units", fields.get("units", "")).split()]
    unit = next((unit for unit in units if unit in _MM_OF_UNIT), "mm")
    has_spacings = "spacings" in fields and "nan" not in fields["spacings"].lower()
    return HeaderFacts(
        has_orientation=bool(directions) and fields.get("space", "").lower() in _PATIENT_SPACES,
        has_spacing=bool(directions) or has_spacings,
        mm_per_unit=_MM_OF_UNIT.get(unit, 1.0),
        unit=unit,
        data_file=_single_file(fields.get("data file", fields.get("datafile", ""))),
        dimension=_whole(fields.get("dimension", "")),
    )


def _of_meta_image(fields: dict[str, str]) -> HeaderFacts:
    unit = fields.get("distanceunits", "mm").lower()
    return HeaderFacts(
        has_orientation=any(key in fields for key in ("transformmatrix", "rotation", "orientation")),
        has_spacing=any(key in fields for key in ("elementspacing", "elementsize")),
        mm_per_unit=_MM_OF_UNIT.get(unit, 1.0),
        unit=unit,
        data_file=_single_file(fields.get("elementdatafile", "")),
        dimension=_whole(fields.get("ndims", "")),
    )


def _single_file(name: str) -> str:
    """The name of one other file; '' for the file itself, a list, or a pattern of several."""
    return "" if name.upper().startswith(("LOCAL", "LIST")) or "%" in name else name


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0
