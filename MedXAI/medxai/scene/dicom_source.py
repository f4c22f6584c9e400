"""The DICOM files that Slicer loaded a volume from."""

from pathlib import Path

import slicer

from ..errors import InputError

#: Slicer's DICOM import notes the images' UIDs here, with a space between two.
_INSTANCES = "DICOM.instanceUIDs"


def files_of_dicom(volume_node: "slicer.vtkMRMLScalarVolumeNode") -> tuple[Path, ...]:
    """The files by Slicer's DICOM database.

    Args:
        volume_node: The scan.

    Raises:
        InputError: It was not loaded through Slicer's DICOM module, or a file is gone.
    """
    name, uids = volume_node.GetName(), (volume_node.GetAttribute(_INSTANCES) or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        raise InputError(
            f"'{name}' was not loaded from DICOM, so no DICOM objects can be made: they would need a patient and a study that nobody "
            "has given. Load the series with Slicer's DICOM module, or export without DICOM."
        )
    files = [database.fileForInstance(uid) for uid in dict.fromkeys(uids)]
    if not all(file and Path(file).is_file() for file in files):
        raise InputError(
            f"The DICOM images of '{name}' are no longer where Slicer's DICOM database has them; import the series again, or export "
            "without DICOM."
        )
    return tuple(Path(file) for file in files)
