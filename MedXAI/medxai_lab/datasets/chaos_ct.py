"""CHAOS's CT set: the liver in healthy donors.

As published: `Train_Sets/CT/<patient>/DICOM_anon/*.dcm` with `Ground/liver_GT_NNN.png`, the liver being white.
"""

from pathlib import Path

from medxai.volume.volume import Modality

from .chaos_folder import patient_folders
from .chaos_series import ChaosSeries, GreyRangeOfLabel
from .organ_labels import OrganLabels
from .scan import Scan

_LIVER = (GreyRangeOfLabel(0, 255, 1),)


def chaos_ct(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Every patient. Raises InputError where there is none."""
    return tuple(
        Scan(
            name, name, ChaosSeries(name, Modality.CT, patient / "DICOM_anon", patient / "Ground", _LIVER), {1: "liver"}
        )
        for patient in patient_folders(folder, "CT")
        for name in [f"CT {patient.name}"]
    )
