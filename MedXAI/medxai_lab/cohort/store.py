"""The cohort's folder while the work goes on: the settings, and one small file for every finished case."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medxai.errors import InputError, OutputError
from medxai.maps import MapId
from medxai.metrics.contour_errors import ContourPoint
from medxai.metrics.metric_row import MetricRow
from medxai.metrics.sanity_verdict import SanityVerdict
from medxai.report.folder import check_writable
from medxai.slice.box import PixelBox

from ..datasets.scan import Scan, file_signature
from .cases import CaseOutcome, ChosenCase
from .settings import CohortSettings, differences

_SCHEMA = pa.schema([(one.name, pa.float64() if one.name == "value" else pa.string()) for one in fields(MetricRow)])
_KEY = b"medxai"


@dataclass(frozen=True)
class CohortStore:
    """Reads and writes the folder. Everything of one case is in one file, which is there whole or not at all.

    Attributes:
        folder: of the cohort.
        settings: which it belongs to.
    """

    folder: Path
    settings: CohortSettings

    def open(self) -> None:
        """Begins the folder, or goes on with it.

        Raises:
            InputError: Where it was begun with other settings.
        """
        check_writable(self.folder)
        path = self.folder / "settings.json"
        if path.exists():
            kept = _read_json(path)
            if kept.get("fingerprint") != self.settings.fingerprint:
                differing = "; ".join(differences(kept.get("settings", {}), self.settings.as_json()))
                raise InputError(
                    f"'{self.folder}' was begun with other settings ({differing}); choose another folder, or ask for the same."
                )
            for leftover in self.folder.glob("parts/**/.*.tmp"):
                leftover.unlink(missing_ok=True)
        else:
            content = {"fingerprint": self.settings.fingerprint, "settings": self.settings.as_json()}
            self._write(path, json.dumps(content, indent=2).encode())

    def keep_chosen(self, scan: Scan, cases: Sequence[ChosenCase]) -> None:
        """Writes down which cases of a scan were chosen."""
        content = {"files": file_signature(scan), "cases": [asdict(case) for case in cases]}
        self._write(self._parts(scan.name) / "cases.json", json.dumps(content).encode())

    def chosen(self, scan: Scan) -> tuple[ChosenCase, ...] | None:
        """The cases of a scan whose files are still the same; None where they must be chosen (again)."""
        path = self._parts(scan.name) / "cases.json"
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        if content.get("files") != file_signature(scan):
            return None
        return tuple(_chosen(case) for case in content["cases"])

    def keep(self, outcome: CaseOutcome) -> None:
        """Writes down a case that was done."""
        rest = asdict(replace(outcome, rows=()))
        table = pa.table({name: [getattr(row, name) for row in outcome.rows] for name in _SCHEMA.names}, _SCHEMA)
        table = table.replace_schema_metadata({_KEY: json.dumps(rest).encode()})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        self._write(self._part(outcome.scan, outcome.case), sink.getvalue().to_pybytes())

    def kept(self, scan: Scan, case: ChosenCase) -> "KeptCase | None":
        """None where the case is not finished, or its file is damaged."""
        path = self._part(scan.name, case)
        try:
            table = pq.read_table(path) if path.exists() else None
            if table is None or _KEY not in (table.schema.metadata or {}):
                return None
            rest = json.loads(table.schema.metadata[_KEY])
        except (pa.ArrowInvalid, OSError, ValueError):
            return None
        return KeptCase(_outcome(rest), table.replace_schema_metadata(None)) if _chosen(rest["case"]) == case else None

    def _parts(self, scan: str) -> Path:
        return self.folder / "parts" / _file_name(scan)

    def _part(self, scan: str, case: ChosenCase) -> Path:
        return self._parts(scan) / f"{_file_name(case.case_id.removeprefix(scan))}.parquet"

    def _write(self, path: Path, content: bytes) -> None:
        """Raises OutputError where the disk is full or the folder cannot be written."""
        temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise OutputError(
                f"'{path}' could not be written ({error.strerror or error}); make room, then run the same command again to go on."
            ) from error


@dataclass(frozen=True)
class KeptCase:
    """A finished case, read again.

    Attributes:
        outcome: all but its rows.
        rows: the metrics, with the columns of `MetricRow`.
    """

    outcome: CaseOutcome
    rows: pa.Table


def empty_rows() -> pa.Table:
    """A table of metrics without a line."""
    return _SCHEMA.empty_table()


def _file_name(text: str) -> str:
    """Readable, and different for different texts, on every file system."""
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', text).strip('_')[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read; choose another folder, or delete this one.") from error


def _chosen(content: dict[str, Any]) -> ChosenCase:
    return ChosenCase(**{**content, "box": PixelBox(**content["box"])})


def _outcome(content: dict[str, Any]) -> CaseOutcome:
    verdicts = tuple(
        SanityVerdict(**{**one, "map_id": MapId(**one["map_id"]), "course": _tuples(one["course"])})
        for one in content["verdicts"]
    )
    lists = {name: tuple(content[name]) for name in ("resolution_mm", "layers")}
    return CaseOutcome(
        **{
            **content,
            **lists,
            "case": _chosen(content["case"]),
            "rows": (),
            "verdicts": verdicts,
            "contour": tuple(ContourPoint(*point) for point in content.get("contour", ())),
            "failed_explainers": _tuples(content["failed_explainers"]),
        }
    )


def _tuples(lists: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(one) for one in lists)
