"""Where CHAOS's patients lie, whichever of its folders was given."""

from pathlib import Path

from medxai.errors import InputError

from .natural_order import natural_key


def patient_folders(folder: Path, modality: str) -> tuple[Path, ...]:
    """The numbered folders of `…/Train_Sets/CT` or `…/Train_Sets/MR`. Raises InputError where there is none."""
    tops = (folder, folder / "Train_Sets", folder / "CHAOS_Train_Sets", folder / "CHAOS_Train_Sets" / "Train_Sets")
    for parent in (*(top / modality for top in tops), folder):
        if parent.is_dir():
            found = sorted(
                (path for path in parent.iterdir() if path.is_dir() and path.name.isdecimal()), key=natural_key
            )
            if found:
                return tuple(found)
    raise InputError(
        f"'{folder}' holds no Train_Sets/{modality} with numbered patients, as CHAOS is published; give the folder of Train_Sets."
    )
