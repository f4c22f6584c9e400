"""Finding what is registered: one file for each explainer, model family or backend, in MedXAI's own folder or another."""

import importlib
import os
import pkgutil
from pathlib import Path
from types import ModuleType

from .errors import InputError

#: Folders with further files, separated as PATH is; each may hold `explainers/`, `models/` and `backends/`.
FOLDERS_VARIABLE = "MEDXAI_PLUGINS"


def import_all(package: ModuleType) -> None:
    """Imports every module of a package, so that their decorators register what they define.

    Args:
        package: A package whose last name ('explainers', 'models' or 'backends') is also that of the sub-folder in the
            folders of `MEDXAI_PLUGINS`; these sub-folders become part of the package.

    Raises:
        InputError: Where a file of such a folder cannot be imported.
    """
    kind = package.__name__.rpartition(".")[2]
    for folder in filter(None, os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)):
        path = str(Path(folder) / kind)
        if os.path.isdir(path) and path not in package.__path__:
            package.__path__.append(path)
    for found in pkgutil.iter_modules(package.__path__):
        try:
            importlib.import_module(f"{package.__name__}.{found.name}")
        except Exception as error:
            folder = getattr(found.module_finder, "path", "")
            if folder == str(Path(str(package.__file__)).parent):
                raise
            raise InputError(
                f"The file '{Path(folder) / found.name}.py' cannot be imported ({error}); repair it, or take its folder "
                f"out of {FOLDERS_VARIABLE}."
            ) from error
