"""Slices of a way that is not done yet, kept on disk one by one, so that a run that was broken off goes on.

Each slice is one file, written whole or not at all. They lie in a hidden folder beside the results, whose name says what was
asked, so that another question never takes them for its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import OutputError
from ..maps import MapId
from ..slice.box import PixelBox
from ..through_slices.appearance import Appearance
from ..through_slices.drift_alarm import Sign, StopReason, Verdict
from ..through_slices.request import VolumeRequest
from ..through_slices.volume_result import FollowedSlice, SliceState, Stop, VolumeResult
from .folder import whole_file

_ARRAYS = ("mask", "tolerance_mm_per_logit")


class KeptSlices:
    """The slices of one question in one folder."""

    def __init__(self, folder: Path, request: VolumeRequest, part: str = ""):
        """The place; nothing is written yet.

        Args:
            folder: Where the results will go.
            request: What is asked. Boxes and range are no part of the folder's name: slices know what they came from.
            part: Tells organs of one run apart, at the end of the folder's name.
        """
        self._request = request
        self._place = folder / f".medxai-slices-{_fingerprint(request)}{part}"

    def load(self) -> VolumeResult | None:
        """What an earlier run kept; None where there is nothing. Files that cannot be read are left out."""
        found = []
        for path in sorted(self._place.glob("slice_*.npz")):
            try:
                found.append(_read(path))
            except (OSError, ValueError, KeyError, json.JSONDecodeError):
                continue
        if not found:
            return None
        stop = Stop(found[-1].index, 1, StopReason.CANCELLED)
        return VolumeResult(self._request, tuple(found), (stop,), None, (), 0.0)

    def keep(self, one: FollowedSlice) -> None:
        """Writes a slice.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            with whole_file(self._place / f"slice_{one.index:05d}.npz") as scratch:
                _write(scratch, one)
        except OSError as error:
            raise OutputError(
                f"A slice could not be kept in '{self._place.parent}' ({error.strerror or error}); free some space or "
                "choose another folder."
            ) from error

    def remove(self) -> None:
        """Takes the slices away once the results are written."""
        shutil.rmtree(self._place, ignore_errors=True)


def _fingerprint(request: VolumeRequest) -> str:
    """Equal for two requests exactly if they differ in boxes and range only, in another process too."""
    volume = request.on_slice.volume
    said = (
        __version__,
        volume.voxels.shape,
        str(volume.voxels.dtype),
        volume.ijk_to_ras_mm.tolist(),
        volume.modality.value,
        *request.question,
    )
    hashed = hashlib.blake2b(np.ascontiguousarray(volume.voxels).data, digest_size=8)
    hashed.update(repr(said).encode())
    return hashed.hexdigest()


def _write(path: Path, one: FollowedSlice) -> None:
    arrays: dict[str, np.ndarray] = {name: getattr(one, name) for name in _ARRAYS}
    arrays |= {f"map {map_id}": values for map_id, values in one.maps.items()}
    said: dict[str, object] = {
        "index": one.index,
        "state": one.state.value,
        "box": asdict(one.box),
        "origin": one.origin,
        "origin_box": asdict(one.origin_box),
        "soft_share": one.soft_share,
        "seconds": one.seconds,
        "verdict": {**asdict(one.verdict), "signs": {sign.name: value for sign, value in one.verdict.signs.items()}},
    }
    if one.appearance is not None:
        plain = {}
        for field in fields(Appearance):
            value = getattr(one.appearance, field.name)
            if isinstance(value, np.ndarray):
                arrays[f"appearance {field.name}"] = value
            else:
                plain[field.name] = value
        said["appearance"] = plain
    np.savez_compressed(path, said=np.array(json.dumps(said)), **arrays)  # type: ignore[arg-type]


def _read(path: Path) -> FollowedSlice:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    said = json.loads(str(arrays["said"]))
    verdict = said["verdict"]
    signs = {Sign[name]: value for name, value in verdict["signs"].items()}
    return FollowedSlice(
        index=said["index"],
        state=SliceState(said["state"]),
        box=PixelBox(**said["box"]),
        mask=arrays["mask"],
        maps={MapId.parse(name[4:]): values for name, values in arrays.items() if name.startswith("map ")},
        tolerance_mm_per_logit=arrays["tolerance_mm_per_logit"],
        soft_share=said["soft_share"],
        verdict=Verdict(verdict["likeness"], verdict["grey_likeness"], signs, verdict["evidence"]),
        appearance=_appearance(said.get("appearance"), arrays),
        origin=said["origin"],
        origin_box=PixelBox(**said["origin_box"]),
        seconds=said["seconds"],
    )


def _appearance(plain: Mapping[str, Any] | None, arrays: Mapping[str, np.ndarray]) -> Appearance | None:
    if plain is None:
        return None
    own: dict[str, Any] = {
        name[len("appearance ") :]: values for name, values in arrays.items() if name.startswith("appearance ")
    }
    return Appearance(**own, **plain)
