"""The report of organs that were followed through the slices: a self-contained page, limits first, with a chart by slice."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import __version__
from ..provenance import volume_provenance_of
from ..through_slices.drift_alarm import ALARM_AT, ALARM_SENTENCE
from ..through_slices.several import FollowedOrgan, overlaps_through_slices
from ..through_slices.volume_result import SliceState, VolumeResult
from .case_report import date_text
from .page import page_html, write_page
from .record import versions_here

#: Of a chart, in its own units: the whole, what is left for the numbers, and the height of each of its two parts.
_WIDTH, _LEFT, _RIGHT, _TOP, _PART, _GAP = 680.0, 70.0, 8.0, 16.0, 96.0, 30.0
#: Room for a slice's number below the chart.
_NUMBER_WIDTH = 26.0


@dataclass(frozen=True)
class Bar:
    """A slice in the chart.

    Attributes:
        x, width: Of its bars.
        area_y, area_height: Of the bar of its area.
        soft_y, soft_height: Of the bar of its soft share.
        state: 'alarm', 'yours' or 'followed'.
        number: Its index where there is room for it, else ''.
        text: All of it in words.
    """

    x: float
    width: float
    area_y: float
    area_height: float
    soft_y: float
    soft_height: float
    state: str
    number: str
    text: str


@dataclass(frozen=True)
class Chart:
    """The slices of an organ side by side.

    Attributes:
        width, height: Of the whole.
        left, right: Where bars begin and end.
        area_top, area_bottom, soft_top, soft_bottom: Of the two parts.
        largest: The largest area, in words.
        bars: In the order of the slices.
        text: For somebody who cannot see it.
    """

    width: float
    height: float
    left: float
    right: float
    area_top: float
    area_bottom: float
    soft_top: float
    soft_bottom: float
    largest: str
    bars: tuple[Bar, ...]
    text: str


@dataclass(frozen=True)
class _Part:
    """An organ on the page: its line in the table of all, and its section."""

    key: str
    label: int
    name: str
    figures: tuple[str, ...]
    chart: Chart | None
    rows: tuple[tuple[str, ...], ...]
    alarms: tuple[str, ...]
    stops: tuple[str, ...]
    warnings: tuple[str, ...]
    picture: str


def write_through_report(path: Path, organs: Sequence[FollowedOrgan], pictures: Sequence[bytes]) -> None:
    """Writes the report, whole or not at all.

    Args:
        path: Of the page.
        organs: From one slice.
        pictures: For each organ a PNG of its slices.

    Raises:
        OutputError: Where the file cannot be written.
    """
    write_page(path, through_report_html(organs, pictures, datetime.now().astimezone()))


def through_report_html(
    organs: Sequence[FollowedOrgan], pictures: Sequence[bytes], made: datetime | None = None
) -> str:
    """The page as text.

    Args:
        organs: From one slice.
        pictures: For each organ a PNG of its slices.
        made: The date on the page.
    """
    on_slice = organs[0].result.request.on_slice
    return page_html(
        "through_slices.html",
        title=f"MedXAI report through the slices: {on_slice.volume.name}",
        made=date_text(made),
        where=on_slice.image.where,
        plane=on_slice.image.plane,
        parts=[_part(one, picture) for one, picture in zip(organs, pictures, strict=True)],
        overlaps=overlaps_through_slices(organs),
        alarm_means=ALARM_SENTENCE,
        alarm_at=f"{ALARM_AT:g}",
        provenance=_provenance(organs[0].result),
    )


def _part(one: FollowedOrgan, picture: bytes) -> _Part:
    result, accepted = one.result, one.result.accepted
    voxels = sum(each.area_px for each in accepted)
    soft = sum(each.soft_share * each.area_px for each in accepted) / voxels if voxels else None
    figures = (
        f"{accepted[0].index} to {accepted[-1].index}" if accepted else "none",
        f"{voxels} voxels" if result.volume_mm3 is None else f"{result.volume_mm3 / 1000:.1f} ml",
        "–" if soft is None else f"{soft:.0%}",
        ", ".join(str(stop.index) for stop in result.alarms) or "none",
    )
    return _Part(
        f"organ-{one.label}",
        one.label,
        one.organ.name,
        figures,
        chart_of(result) if result.slices else None,
        tuple(_row(result, index) for index in range(len(result.slices))),
        tuple(stop.sentence for stop in result.alarms),
        tuple(stop.sentence for stop in result.stops if not stop.reason.is_alarm),
        result.warnings,
        b64encode(picture).decode("ascii"),
    )


def _row(result: VolumeResult, number: int) -> tuple[str, ...]:
    """Slice, state, area, soft share, likeness, evidence, reason."""
    one = result.slices[number]
    return (
        str(one.index),
        str(one.state),
        _area(result, one.area_px),
        f"{one.soft_share:.0%}",
        f"{one.verdict.likeness:.2f}",
        f"{one.verdict.evidence:.2f}",
        one.verdict.reason if one.is_alarm else "",
    )


def _area(result: VolumeResult, pixels: int) -> str:
    image = result.request.on_slice.image
    if not image.facts.has_known_spacing:
        return f"{pixels} pixels"
    return f"{pixels * image.spacing_mm[0] * image.spacing_mm[1] / 100:.1f} cm²"


def chart_of(result: VolumeResult) -> Chart:
    """Area and soft share by slice, those with an alarm marked.

    Args:
        result: With at least one slice.
    """
    first, last = result.slices[0].index, result.slices[-1].index
    count = last - first + 1
    largest = max(1, *(one.area_px for one in result.slices))
    step, top = (_WIDTH - _LEFT - _RIGHT) / count, _TOP + _PART + _GAP
    every = max(int(-(-_NUMBER_WIDTH // step)), 1)
    bars = []
    for one in result.slices:
        area, soft = _PART * one.area_px / largest, _PART * one.soft_share
        is_numbered = one.is_alarm or one.state is SliceState.YOUR_BOX or (one.index - first) % every == 0
        said = f"slice {one.index}, {one.state}: {_area(result, one.area_px)}, {one.soft_share:.0%} soft"
        bars.append(
            Bar(
                _LEFT + step * (one.index - first) + 0.1 * step,
                0.8 * step,
                _TOP + _PART - area,
                area,
                top + _PART - soft,
                soft,
                "alarm" if one.is_alarm else "yours" if one.state is SliceState.YOUR_BOX else "followed",
                str(one.index) if is_numbered else "",
                said,
            )
        )
    alarms = ", ".join(str(stop.index) for stop in result.alarms) or "none"
    text = f"Area and soft share on the slices {first} to {last}; slices with an alarm: {alarms}. The table below has all numbers."
    return Chart(
        _WIDTH, top + _PART + 22, _LEFT, _WIDTH - _RIGHT, _TOP, _TOP + _PART, top, top + _PART, _area(result, largest),
        _without_crowding(bars), text,
    )  # fmt: skip


def _without_crowding(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Numbers that would lie on that of an alarm, or of the reader's own box, are left out."""
    important = [bar.x for bar in bars if bar.state != "followed"]
    return tuple(
        Bar(**{**vars(bar), "number": ""})
        if bar.state == "followed" and any(abs(bar.x - x) < _NUMBER_WIDTH for x in important)
        else bar
        for bar in bars
    )


def _provenance(result: VolumeResult) -> tuple[tuple[str, str], ...]:
    known = volume_provenance_of(result)
    versions = ", ".join(f"{name} {number}" for name, number in versions_here().items() if number)
    return (
        ("Volume", known["Source"]),
        ("Modality", result.request.on_slice.volume.facts.modality_text),
        ("Model", known["Model"] or "an earlier run's"),
        ("SHA-256 of its weights", known["ModelSha256"] or "not known"),
        ("Maps", ", ".join(str(map_id) for map_id in result.map_ids) or "none"),
        ("Versions", f"MedXAI {__version__}, {versions}"),
    )
