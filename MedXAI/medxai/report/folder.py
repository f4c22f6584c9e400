"""The output folder: all files of one explanation, there whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from ..volume.contents import is_text


@contextmanager
def whole_or_nothing(folder: Path, replaced: Iterable[Path] = ()) -> Iterator[Path]:
    """A temporary folder inside `folder`, whose files move into `folder` only when the block ends well.

    Args:
        folder: Made where it is missing.
        replaced: Files of an earlier run in it, which go when the block ends well, unless it has written them anew.

    Raises:
        OutputError: Where the folder cannot be made or written, or the disk is full; older files are then unchanged.
    """
    if not is_text(folder):
        raise OutputError(f"The name of the folder '{folder}' is no valid text (UTF-8); choose another one.")
    made: list[Path] = []
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".medxai-", dir=folder) as scratch:
            yield Path(scratch)
            written = sorted(Path(scratch).iterdir())
            _move_in(written, folder, Path(tempfile.mkdtemp(dir=scratch)))
            for file in set(replaced) - {folder / one.name for one in written}:
                file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(_sentence(folder, error)) from error
    finally:
        # Empty folders that were made here are removed.
        for one in made:
            if one.is_dir() and not any(one.iterdir()):
                one.rmdir()


def _move_in(files: Sequence[Path], folder: Path, aside: Path) -> None:
    """Moves files into a folder; where one of them cannot take its place, all that was there before is put back.

    Args:
        files: What is moved.
        folder: Where it goes.
        aside: An empty folder on the same disk, for the files that give way.
    """
    begun: list[tuple[Path, Path, Path]] = []
    try:
        for file in files:
            place, held = folder / file.name, aside / file.name
            if place.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
            begun.append((file, place, held))
            if place.exists():
                os.replace(place, held)
            os.replace(file, place)
    except BaseException:
        for file, place, held in begun:
            if held.exists():
                os.replace(held, place)
            elif not file.exists():  # it is in its place, where nothing was
                place.unlink(missing_ok=True)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside a file, which takes its place only when the block ends well; else nothing is left.

    Raises:
        OSError: Where it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".medxai-", suffix=path.suffix)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(0o666 & ~_umask())
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(folder: Path) -> None:
    """Checks, before expensive work starts, that a folder can be made and written.

    Raises:
        OutputError: Where it cannot.
    """
    with whole_or_nothing(folder) as scratch:
        (scratch / "probe").touch()
        (scratch / "probe").unlink()


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of '{folder}' is full, so nothing was written; free some space or choose another folder."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"'{folder}' cannot be written; choose a folder that you may write to, and close programs that have one of its files open."
    if error.errno == errno.EISDIR:
        return f"'{error.filename}' is a folder, and a file of the result has that name; remove it, or choose another folder."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"'{folder}' or a part of its path is a file; choose a folder."
    return f"'{folder}' could not be written ({error.strerror or error}); choose another folder."
