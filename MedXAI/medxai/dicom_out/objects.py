"""What all objects of one result share: who made them, of what, by which model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import highdicom
import numpy as np
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import generate_uid

from .. import __version__
from ..limits import LIMITS_SHORT, LIMITS_STATEMENT
from ..maps import MapId
from ..organ_codes import Code, Organ
from ..results import ModelIdentity

MANUFACTURER = "MedXAI"
#: Codes that no public scheme has; what they mean stands in docs/dicom_out.md.
OWN_SCHEME = "99MEDXAI"
#: Series of one result follow each other; high, so that they come after a scanner's own.
SERIES_NUMBERS = {"segmentation": 9001, "maps": 9002, "report": 9003}
#: A text of DICOM's kind LO is no longer.
_LO_LETTERS = 64


@dataclass(frozen=True, eq=False)
class Making:
    """The identity of one result's objects, the same in each of them.

    Attributes:
        model: That segmented and is explained.
        segmentation_uid: Of the segmentation object, which the report names.
    """

    model: ModelIdentity
    segmentation_uid: str = field(default_factory=generate_uid)

    def arguments(self, kind: str, description: str) -> dict[str, Any]:
        """What every object of highdicom's takes; kind: of `SERIES_NUMBERS`."""
        return {
            "series_instance_uid": generate_uid(),
            "series_number": SERIES_NUMBERS[kind],
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": text_of_64(f"MedXAI, {self.model.title}"),
            "software_versions": __version__,
            "device_serial_number": self.model.checksum_sha256[:16] or "unknown",
            "series_description": text_of_64(description),
        }

    @property
    def algorithm(self) -> highdicom.AlgorithmIdentificationSequence:
        """The model by name, version and the digest of its weights."""
        return highdicom.AlgorithmIdentificationSequence(
            name=text_of_64(self.model.title),
            family=DicomCode("123109", "DCM", "Artificial Intelligence"),
            version=__version__,
            source=MANUFACTURER,
            parameters={
                "weights SHA-256": self.model.checksum_sha256,
                "architecture": self.model.architecture,
                "preparation": self.model.preparation,
            },
        )


@dataclass(frozen=True)
class Figure:
    """One number of the report.

    Attributes:
        name: What it is.
        value: The number.
        unit: In UCUM.
    """

    name: DicomCode
    value: float
    unit: DicomCode


@dataclass(frozen=True, eq=False)
class Structure:
    """What was segmented, explained and measured; a result has one or several, on the same planes.

    Attributes:
        organ: What it is.
        mask: (planes, rows, columns) bool.
        maps: Each with its raw values (planes, rows, columns).
        figures: Of the report.
        tracking_uid: The same in segmentation and report.
    """

    organ: Organ
    mask: np.ndarray
    maps: Sequence[tuple[MapId, np.ndarray]]
    figures: Sequence[Figure]
    tracking_uid: str = field(default_factory=generate_uid)


def code(one: Code) -> DicomCode:
    """A code as pydicom has it."""
    return DicomCode(one.value, one.scheme, one.meaning)


def own_code(value: str, meaning: str) -> DicomCode:
    """A code of `OWN_SCHEME`; value: at most 16 letters."""
    return DicomCode(value, OWN_SCHEME, text_of_64(meaning))


def text_of_64(text: str) -> str:
    """A text that an element of the kind LO can hold: no backslash, at most 64 letters."""
    plain = text.replace("\\", "/")
    return plain if len(plain) <= _LO_LETTERS else plain[: _LO_LETTERS - 1] + "…"


def mark_limits(data: highdicom.base.SOPClass) -> None:
    """Puts the limits where viewers show them (comments), and the short form where there is room for no more."""
    data.ContentDescription = text_of_64(LIMITS_SHORT)
    data.ImageComments = LIMITS_STATEMENT
    data.SpecificCharacterSet = "ISO_IR 192"
