"""The report of one case: a self-contained page, limits first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from .. import __version__
from ..contour.how_tested import how_tested
from ..contour.look import LOOKS, Look, kinds_sentence
from ..contour.result import ContourKind
from ..explainers import registry
from ..maps import OWN_MAPS, STAGE3, STAGES, stage_map
from ..metrics.case_evidence import CaseEvidence
from ..provenance import box_text
from ..results import Narrowing, ReferenceMask, SaliencyMap, SliceExplanation
from .metric_tables import HEADLINE_MAP, MetricTables, metric_tables
from .page import page_html, write_page
from .pictures import MapPicture, Pictures, kind_key
from .record import versions_here
from .sanity_badges import badges_of
from .sizes import area_text, size_text, thickness_text
from .wording import STAGE_SUBTITLES, explainer_name, is_baseline, is_comparison, map_name, signed


@dataclass(frozen=True)
class Cell:
    """One map with its caption.

    Attributes:
        title: Above the picture.
        picture: The map over the slice.
        lines: Below the picture.
        alt: What somebody who cannot see the picture should know.
    """

    title: str
    picture: MapPicture
    lines: tuple[str, ...]
    alt: str


@dataclass(frozen=True)
class StageRow:
    """One stage at every layer.

    Attributes:
        name: The stage's title.
        sentence: What its maps show.
        lower: The raw value of the first colour, shared by its maps.
        upper: The raw value of the last colour.
        informative: Whether there is anything to show.
        cells: One for each layer.
    """

    name: str
    sentence: str
    lower: float
    upper: float
    informative: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class PartsRow:
    """Signed maps of one explainer.

    Attributes:
        name: The explainer's title.
        sentence: What its maps show.
        sign: What values below and above 0 mean.
        lower: The raw value of the first colour, shared by its maps.
        upper: The raw value of the last colour.
        cells: One for each map.
    """

    name: str
    sentence: str
    sign: str
    lower: float
    upper: float
    cells: tuple[Cell, ...]


def case_report_html(
    result: SliceExplanation,
    evidence: CaseEvidence | None = None,
    reference: ReferenceMask | None = None,
    made: datetime | None = None,
    metrics_file: str = "",
) -> str:
    """The page as text.

    Nothing of the patient is on it but the slice's picture and the volume's name; no path of a file is.

    Args:
        result: What the page is about.
        evidence: Metrics, baselines, comparison methods and sanity checks of this very result; None where none were
            taken.
        reference: What the mask is compared with; its outline is drawn beside the predicted one.
        made: The date on the page.
        metrics_file: The name of a file beside the page that has all metrics, '' for none.
    """
    values = case_values(result, Pictures(result, reference), evidence, metrics_file)
    return page_html(
        "case.html",
        (),
        title=f"MedXAI report: {_where(result)}",
        made=date_text(made),
        key="",
        level=2,
        provenance=provenance_lines(result),
        **values,
    )


def date_text(made: datetime | None) -> str:
    """The date on a page; '' for none."""
    return made.strftime("%Y-%m-%d %H:%M") if made else ""


def case_values(
    result: SliceExplanation, pictures: Pictures, evidence: CaseEvidence | None = None, metrics_file: str = ""
) -> dict[str, object]:
    """What the template of a case's body asks for; as `case_report_html`.

    Args:
        result: What the page is about.
        pictures: Of this result.
        evidence: Likewise; None where nothing was taken.
        metrics_file: The name of a file beside the page that has all metrics, '' for none.
    """
    layer = result.shown_layer
    tables = metric_tables(evidence.rows, layer) if evidence else None
    narrowing = (
        _narrowing("Share of the map inside the predicted mask", result.concentration.narrowing_share),
        _narrowing("Effective area, as a share of the slice", result.concentration.narrowing_area),
    )
    return {
        "is_preview": result.is_preview,
        "presence": result.presence,
        "mask_check": result.mask_check,
        "scene": pictures.scene,
        "asked": _asked(result),
        "mask_area": area_text(result),
        "kinds": _kinds(result),
        "contour_sentence": kinds_sentence(result.contour, pictures.scene.unit),
        "how_tested": how_tested(result.model),
        "interaction": pictures.of_map(result.explanation.interaction),
        "terminal": pictures.of_map(result.explanation.terminal),
        "stages": tuple(_stage_row(result, stage, pictures, tables) for stage in STAGES),
        "layer": layer,
        "tables": tables,
        "metrics_file": metrics_file,
        "shares": () if tables else _shares(result, layer),
        "narrowing": tuple(line for line in narrowing if line),
        "badges": badges_of(evidence.verdicts if evidence else ()),
        "resolution_mm": result.resolution_mm,
        "terminal_cell_mm": pictures.of_map(result.explanation.terminal).cell_mm,
        "warnings": result.warnings,
        "missing": _missing(evidence),
        "beside": _beside(result, evidence, pictures, layer, tables) if evidence else (),
        "box_or_image": result.box_or_image,
        "parts": _parts(evidence, pictures) if evidence else (),
        "has_comparisons": bool(evidence and any(is_comparison(m.map_id.explainer) for m in evidence.maps)),
    }


def write_case_report(
    path: Path,
    result: SliceExplanation,
    evidence: CaseEvidence | None = None,
    reference: ReferenceMask | None = None,
    metrics_file: str = "",
) -> None:
    """Writes the report, whole or not at all.

    Args:
        path: Of the page.
        result: See `case_report_html`, as the rest.
        evidence: Of this very result.
        reference: What its mask is compared with.
        metrics_file: The name of a file beside the page that has all metrics, '' for none.

    Raises:
        OutputError: Where the file cannot be written.
    """
    write_page(path, case_report_html(result, evidence, reference, datetime.now().astimezone(), metrics_file))


def _where(result: SliceExplanation) -> str:
    return result.prepared.image.where


def _asked(result: SliceExplanation) -> tuple[tuple[str, str], ...]:
    prepared, box = result.prepared, result.box.box
    across, down, _ = prepared.image.spacing_mm
    known = prepared.image.facts
    width, height = box.last_column - box.first_column + 1, box.last_row - box.first_row + 1
    x, y, z = (
        prepared.image.pixel_to_ras_mm
        @ [(box.first_column + box.last_column) / 2, (box.first_row + box.last_row) / 2, 0, 1]
    )[:3]
    clipped = "; cut at the slice's edge" if result.box.was_clipped else ""
    return (
        ("Volume", prepared.image.volume_name),
        (
            "Slice",
            f"{_where(result)}, {prepared.image.shape[1]} × {prepared.image.shape[0]} pixels"
            + (
                f" of {size_text(result, across, down, '{:.3g}')}{thickness_text(result)}"
                if known.has_known_spacing
                else ""
            ),
        ),
        *((("Organ", result.organ),) if result.organ else ()),
        (
            "Box",
            f"{box_text(result)} (first and last voxel); {size_text(result, width * across, height * down, '{:.0f}')}{clipped}",
        ),
        (
            "Box centre",
            ", ".join(
                f"{ends[int(value < 0)]} {abs(value):.0f}"
                for ends, value in zip(("RL", "AP", "SI"), (x, y, z), strict=True)
            )
            + " mm"
            if known.has_known_orientation
            else "not known in the patient",
        ),
        ("Model", result.model.title),
        ("Modality", known.modality_text),
        (
            "Grey values",
            prepared.grey_range.text + (", contrast enhanced for the model" if prepared.enhanced_input else ""),
        ),
    )


def _kinds(result: SliceExplanation) -> tuple[tuple[str, Look, str], ...]:
    """Key, look and share of each kind of outline that was looked for."""
    check = result.contour
    return tuple(
        (kind_key(kind), look, f"{check.share[kind]:.0%}")
        for kind, look in LOOKS.items()
        if check.follows_box is not None or kind != ContourKind.FOLLOWS_BOX
    )


def _stage_row(result: SliceExplanation, stage: int, pictures: Pictures, tables: MetricTables | None) -> StageRow:
    layers = result.explanation.layers
    drawn = pictures.of_maps(maps.stages[stage] for maps in layers)
    cells = []
    for maps, picture in zip(layers, drawn, strict=True):
        lines = _cell_lines(result, stage, maps.layer, picture, tables)
        cells.append(
            Cell(
                maps.layer,
                picture,
                lines,
                f"Stage {stage} at {maps.layer} over the slice, with box and mask contour: {'; '.join(lines)}.",
            )
        )
    informative = any(picture.informative for picture in drawn)
    first = drawn[0]
    info = OWN_MAPS[stage - 1]
    name = f"{info.title}, {STAGE_SUBTITLES[stage]}"
    return StageRow(name, info.sentence, first.lower, first.upper, informative, tuple(cells))


def _cell_lines(
    result: SliceExplanation, stage: int, layer: str, picture: MapPicture, tables: MetricTables | None
) -> tuple[str, ...]:
    share, of_slice = result.concentration.share_inside[stage_map(stage, layer)], result.concentration.mask_share
    lines = []
    if not picture.informative:
        lines.append("uninformative")
    if share is None:
        lines.append("no positive value")
    else:
        lines.append(f"{share:.0%} inside the mask" + (f" ({share / of_slice:.1f}×)" if of_slice else ""))
    gain = tables.gains.get((stage_map(stage, layer).map, layer)) if tables else None
    if gain:
        lines.append(f"learned gain {gain}")
    return tuple(lines)


def _shares(result: SliceExplanation, layer: str) -> tuple[tuple[str, str, str], ...]:
    """Map, share inside the mask, effective area: what is known without any evidence."""
    metrics = result.concentration
    return tuple(
        (
            map_name(stage_map(stage, layer).map, layer),
            _share(metrics.share_inside[stage_map(stage, layer)]),
            _share(metrics.effective_area[stage_map(stage, layer)]),
        )
        for stage in STAGES
    )


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


def _narrowing(name: str, narrowing: Narrowing | None) -> tuple[str, str, str, str] | None:
    """Name, total, by the model's layers, by construction, in percentage points."""
    if narrowing is None:
        return None
    total, by_the_model, by_construction = (signed(value, 1) for value in narrowing.points(1))
    return name, total, by_the_model, by_construction


def _missing(evidence: CaseEvidence | None) -> tuple[str, ...]:
    """What was not run or failed, in sentences."""
    if evidence is None:
        return ("No baseline, no other explainer and no sanity check was run for this report.",)
    asked = {m.map_id.explainer for m in evidence.maps}
    said = []
    if "random-weights" not in asked:
        said.append(
            "The baseline of the same network with random weights was not run: a learned gain here is over the baselines without a network only."
        )
    if not any(is_comparison(name) for name in asked):
        said.append("No other published method (such as Grad-CAM) was run.")
    return (*said, *(f"{explainer_name(name)} failed: {reason}" for name, reason in evidence.failures))


def _beside(
    result: SliceExplanation, evidence: CaseEvidence, pictures: Pictures, layer: str, tables: MetricTables | None
) -> tuple[Cell, ...]:
    """MedXAI's stage 3, the baselines and the comparison methods, one map of each, every one with its own range."""
    auroc = {r.map_id: r.value for r in evidence.rows if (r.metric, r.mask) == ("auroc_grown_box", "predicted")}
    cells = []
    for name in dict.fromkeys(m.map_id.explainer for m in evidence.maps if not m.is_signed):
        saliency = _standing_for(name, evidence.maps, layer)
        value = auroc.get(saliency.map_id)
        role = "baseline" if is_baseline(name) else "comparison method" if is_comparison(name) else "this method"
        place = STAGE3.title.lower() if saliency.map_id.map == HEADLINE_MAP else saliency.map_id.map
        title = explainer_name(name) + (f", {place}" if place else "")
        lines = (
            role + (f", {saliency.map_id.layer}" if saliency.map_id.layer else ""),
            "no AUROC" if value is None else f"AUROC {value:.3f}",
        )
        picture = pictures.of_map(saliency.values)
        cells.append(
            Cell(
                title,
                picture,
                lines if picture.informative else (*lines, "uninformative"),
                f"Map of {title} over the slice: {'; '.join(lines)}.",
            )
        )
    return tuple(cells)


def _parts(evidence: CaseEvidence, pictures: Pictures) -> tuple[PartsRow, ...]:
    """The signed maps that were asked for, those of one explainer on one range."""
    rows = []
    for name in dict.fromkeys(one.map_id.explainer for one in evidence.maps if one.is_signed):
        parts = [one for one in evidence.maps if one.map_id.explainer == name and one.is_signed]
        drawn = pictures.of_maps((one.values for one in parts), are_signed=True)
        infos = [registry.map_info(one.map_id.key) for one in parts]
        cells = tuple(
            Cell(info.title, picture, (info.sentence,), f"Map over the slice: {info.title}; {info.sign}.")
            for info, picture in zip(infos, drawn, strict=True)
        )
        sentence = registry.explainers()[name].sentence
        rows.append(PartsRow(explainer_name(name), sentence, infos[0].sign, drawn[0].lower, drawn[0].upper, cells))
    return tuple(rows)


def _standing_for(name: str, maps: tuple[SaliencyMap, ...], layer: str) -> SaliencyMap:
    """The map shown for an explainer: stage 3 at the shown layer where it has stages, else its last."""
    own = [m for m in maps if m.map_id.explainer == name]
    return next(
        (m for m in own if (m.map_id.map, m.map_id.layer) == (HEADLINE_MAP, layer)),
        next((m for m in own if m.map_id.layer == layer), own[-1]),
    )


def provenance_lines(result: SliceExplanation) -> tuple[tuple[str, str], ...]:
    """Model, device, parameters, timings and versions: names and values."""
    model, encoding = result.model, result.encoding
    parameters: Mapping[str, object] = {
        **asdict(result.explanation.parameters),
        "preset": result.explanation.parameters.preset.value,
    }
    versions = ", ".join(f"{name} {number}" for name, number in versions_here().items() if number)
    timings = (
        f"encoding {encoding.seconds:.2f} s{'' if result.encoding.is_new else ' (made earlier)'}, segmentation {result.segmentation.seconds:.2f} s, "
        f"explanation {result.explanation.seconds:.2f} s"
    )
    return (
        ("Model", f"{model.title} ({model.name}), {model.architecture}"),
        ("SHA-256 of its weights", model.checksum_sha256),
        (
            "Its input",
            f"{model.input_size_px} × {model.input_size_px} pixels, {model.preparation} preparation: {model.preparation_sentence}",
        ),
        ("Computed on", f"{model.device}, encoder {encoding.backend}"),
        ("Parameters", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in parameters.items())),
        ("Timings", timings),
        ("Versions", f"MedXAI {__version__}, {versions}"),
    )
