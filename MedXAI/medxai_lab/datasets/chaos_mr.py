"""CHAOS's MR set: four organs, three sequences of every patient.

As published: `Train_Sets/MR/<patient>/T1DUAL/DICOM_anon/InPhase` and `OutPhase`, which share `T1DUAL/Ground`, and
`T2SPIR/DICOM_anon` with `T2SPIR/Ground`. The organisers give the masks' grey values as ranges about 63, 126, 189 and 252.
"""

from pathlib import Path

from medxai.volume.volume import Modality

from .chaos_folder import patient_folders
from .chaos_series import ChaosSeries, GreyRangeOfLabel
from .organ_labels import OrganLabels
from .scan import Scan

_GREY_VALUES = (
    GreyRangeOfLabel(55, 70, 1),
    GreyRangeOfLabel(110, 135, 2),
    GreyRangeOfLabel(175, 200, 3),
    GreyRangeOfLabel(240, 255, 4),
)
_ORGANS = {1: "liver", 2: "right kidney", 3: "left kidney", 4: "spleen"}

#: Name, folder of the slices and of the masks, below the patient's.
_SEQUENCES = (
    ("T1DUAL in phase", Path("T1DUAL", "DICOM_anon", "InPhase"), Path("T1DUAL", "Ground")),
    ("T1DUAL out of phase", Path("T1DUAL", "DICOM_anon", "OutPhase"), Path("T1DUAL", "Ground")),
    ("T2SPIR", Path("T2SPIR", "DICOM_anon"), Path("T2SPIR", "Ground")),
)


def chaos_mr(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Every sequence of every patient. Raises InputError where there is none."""
    return tuple(
        Scan(
            name,
            f"MR {patient.name}",
            ChaosSeries(name, Modality.MR, patient / dicom, patient / ground, _GREY_VALUES),
            _ORGANS,
        )
        for patient in patient_folders(folder, "MR")
        for sequence, dicom, ground in _SEQUENCES
        for name in [f"MR {patient.name} {sequence}"]
    )
