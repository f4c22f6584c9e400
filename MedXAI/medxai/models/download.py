"""Checkpoints from the network into the store: resumed, checked, and whole or not at all."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ..errors import Cancelled, DownloadError
from .registry import RegisteredModel
from .store import ModelStore

Progress = Callable[[int, int], None]
"""Called with the bytes so far and the bytes in all (0 where the server does not say)."""

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Verification:
    """What is known of a checkpoint file: its digest, and what it was compared with."""

    path: Path
    sha256: str
    checked_against: str


def download(
    entry: RegisteredModel,
    store: ModelStore | None = None,
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Verification:
    """Fetches the checkpoint into the store, going on where an earlier attempt stopped; nothing where it is there already.

    Raises Cancelled; DownloadError where no source answers, the disk is full, or the file is not the published one.
    """
    store = store or ModelStore()
    path = store.path_of(entry)
    if path.is_file():
        return verify(entry, store)
    if not entry.sources:
        raise DownloadError(
            f"'{entry.name}' has no direct address; get {entry.file_name} from {entry.page} and put it into '{store.folder}'."
        )
    partial = path.with_name(path.name + ".part")
    failures = []
    for source in entry.sources:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(source, partial, progress, is_cancelled)
            break
        except urllib.error.URLError as error:
            failures.append(f"{source} ({error.reason if hasattr(error, 'reason') else error})")
        except (TimeoutError, ConnectionError) as error:
            failures.append(f"{source} ({error or 'no answer'})")
        except OSError as error:
            raise DownloadError(
                f"'{partial}' cannot be written ({error.strerror or error}); free some space or choose another model folder."
            ) from error
    else:
        raise DownloadError(
            f"'{entry.name}' could not be fetched from {'; '.join(failures)}; try again later, or get {entry.file_name} from {entry.page} and put it into '{store.folder}'."
        )
    try:
        result = _verified(entry, partial)
    except DownloadError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    return Verification(path, result.sha256, result.checked_against)


def verify(entry: RegisteredModel, store: ModelStore | None = None) -> Verification:
    """Compares the file in the store with what was published. Raises DownloadError where it is missing or differs."""
    path = (store or ModelStore()).path_of(entry)
    if not path.is_file():
        raise DownloadError(
            f"The weights of '{entry.name}' are not on this machine; fetch them with 'medxai models download {entry.name}'."
        )
    return _verified(entry, path)


def _verified(entry: RegisteredModel, path: Path) -> Verification:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
    size = path.stat().st_size
    wrong = (
        (entry.size_bytes and size != entry.size_bytes)
        or (entry.sha256 and sha256.hexdigest() != entry.sha256)
        or (entry.md5 and md5.hexdigest() != entry.md5)
    )
    if wrong:
        raise DownloadError(
            f"'{path.name}' is not the published file of '{entry.name}' (its size or checksum differs, SHA-256 {sha256.hexdigest()[:16]}…); remove it and fetch it again."
        )
    known = [("SHA-256", entry.sha256), ("MD5", entry.md5), ("size", entry.size_bytes)]
    against = next((what for what, value in known if value), "nothing: no checksum is published")
    return Verification(path, sha256.hexdigest(), against)


def _fetch(source: str, partial: Path, progress: Progress, is_cancelled: Callable[[], bool]) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(
        source, headers={"User-Agent": "MedXAI", **({"Range": f"bytes={done}-"} if done else {})}
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
            progress(done, total)
            while chunk := response.read(_CHUNK_BYTES):
                if is_cancelled():
                    raise Cancelled("The download was cancelled; what is there will be used when you try again.")
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
        if total and done < total:
            raise ConnectionError(f"the connection broke after {done} of {total} bytes")
