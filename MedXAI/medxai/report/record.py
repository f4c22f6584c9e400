"""explanation.json: every parameter, metric, warning, version, checksum and timing of one explanation.

Every field with its unit and frame is described in explanation.schema.json, which stands beside this file.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path

from .. import __version__
from ..contour.how_tested import how_tested
from ..contour.look import kinds_sentence
from ..contour.result import FOLLOWS_BOX_FROM, SOFT_FROM_MM_PER_LOGIT, ContourKind
from ..display_range import display_range
from ..limits import LIMITS_STATEMENT
from ..maps import OWN_MAPS_SHOWN, STAGES, MapId
from ..results import BoxOrImage, Concentration, Narrowing, Presence, ReferenceMask, SliceExplanation

#: The published description of the record (JSON Schema). A record says which version of it it follows: the first number
#: changes where a field goes or means something else, the second where one is added.
SCHEMA_ID = "https://raw.githubusercontent.com/MedXAI/SlicerMedXAI/main/MedXAI/medxai/report/explanation.schema.json"
SCHEMA_VERSION = "1.4"
_PACKAGES = ("torch", "segment-anything", "numpy", "scikit-image", "SimpleITK", "vtk", "slicer-core")


def record_of(
    result: SliceExplanation, source: dict[str, object] | None = None, reference: ReferenceMask | None = None
) -> dict[str, object]:
    """The record as plain values for JSON.

    Args:
        result: What is recorded.
        source: What is known of the input file beyond the volume itself.
        reference: What the mask is compared with; None for nothing.
    """
    image, explanation, model = result.prepared.image, result.explanation, result.model
    parameters, known = asdict(explanation.parameters), image.facts
    return {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "limits": LIMITS_STATEMENT,
        "medxai": __version__,
        "input": _input(result, source, reference),
        "model": {
            "name": model.name,
            "title": model.title,
            "architecture": model.architecture,
            "checksum_sha256": model.checksum_sha256,
            "family": model.family,
            "preparation": model.preparation,
            "input_size_px": model.input_size_px,
            "device": model.device,
        },
        "parameters": {**parameters, "preset": parameters["preset"].value},
        "segmentation": {
            "mask_pixels": int(result.segmentation.mask.sum()),
            "mask_area_mm2": float(result.segmentation.mask.sum() * image.spacing_mm[0] * image.spacing_mm[1])
            if known.has_known_spacing
            else None,
        },
        "contour": _contour(result),
        "presence": _presence(result.presence),
        "mask_check": {**asdict(result.mask_check), "sentence": result.mask_check.sentence},
        "box_or_image": _box_or_image(result.box_or_image),
        "metrics": _metrics(result.concentration),
        "layers": [
            {
                "layer": maps.layer,
                "grid": list(maps.grid),
                "repaired_tokens": explanation.repaired_tokens[maps.layer],
                "range": {f"stage{s}": [float(maps.stages[s].min()), float(maps.stages[s].max())] for s in STAGES},
            }
            for maps in explanation.layers
        ],
        "display_range": {
            f"stage{s}": asdict(display_range(maps.stages[s] for maps in explanation.layers)) for s in STAGES
        },
        "depends_on_mask_decoder": {info.map: info.needs_decoder for info in OWN_MAPS_SHOWN},
        "resolution_mm": list(result.resolution_mm) if known.has_known_spacing else None,
        "warnings": list(result.warnings),
        "timings_s": {
            "encode": result.encoding.seconds,
            "encoded_now": result.encoding.is_new,
            "segment": result.segmentation.seconds,
            "check_contour": result.contour.seconds,
            "explain": explanation.seconds,
        },
        "versions": versions_here(),
    }


def _presence(presence: Presence) -> dict[str, object]:
    return {**asdict(presence), "is_told": presence.is_told, "sentence": presence.sentence}


def _box_or_image(found: BoxOrImage | None) -> dict[str, object] | None:
    if found is None:
        return None
    is_finite = isfinite(found.lowest_image_share) and isfinite(found.highest_image_share)
    share_range = [found.lowest_image_share, found.highest_image_share] if is_finite else None
    return {
        "sentence": found.sentence,
        "image_share": found.image_share,
        "image_share_range": share_range,
        "score": {name: getattr(found, name) for name in ("own", "other_box", "other_image", "neither")},
        "other_images": found.images,
        "other_boxes": found.boxes,
    }


def _contour(result: SliceExplanation) -> dict[str, object]:
    """The contour check in shares of the outline's length, and in words."""
    check = result.contour
    known, looked_at_box = result.prepared.image.facts.has_known_spacing, check.follows_box is not None
    return {
        "sentence": kinds_sentence(check, "mm" if known else "pixels"),
        "share_of_length": {
            "firm": check.share[ContourKind.FIRM],
            "soft": check.share[ContourKind.SOFT],
            "follows_box": check.share[ContourKind.FOLLOWS_BOX] if looked_at_box else None,
        },
        "length_mm": float(check.length_mm.sum()) if known else None,
        "soft_tolerance_mm_per_logit": check.median_tolerance(ContourKind.SOFT) if known else None,
        "soft_from_mm_per_logit": SOFT_FROM_MM_PER_LOGIT,
        "follows_box_from": FOLLOWS_BOX_FROM,
        "how_tested": how_tested(result.model),
    }


def _input(
    result: SliceExplanation, source: dict[str, object] | None, reference: ReferenceMask | None
) -> dict[str, object]:
    image, grey_range, box = result.prepared.image, result.prepared.grey_range, result.box.box
    known = image.facts
    return {
        **(source or {}),
        "volume": image.volume_name,
        "plane": image.plane,
        "slice_index": image.index,
        "slice_shape": list(image.shape),
        "anatomical_plane": image.anatomical_plane,
        "spacing_mm": list(image.spacing_mm) if known.has_known_spacing else None,
        "slice_thickness_mm": image.thickness_mm,
        "pixel_to_ras_mm": image.pixel_to_ras_mm.tolist() if known.has_known_orientation else None,
        "box_first_last_px": {
            "columns": [box.first_column, box.last_column],
            "rows": [box.first_row, box.last_row],
        },
        "box_was_clipped": result.box.was_clipped,
        **({"organ": result.organ} if result.organ else {}),
        **({"reference": {"path": reference.path, "label": reference.label}} if reference else {}),
        "modality": known.modality.value,
        "modality_source": known.modality_source.value,
        "grey_lower": grey_range.lower,
        "grey_upper": grey_range.upper,
        "grey_range_origin": grey_range.origin,
        "contrast_enhanced_input": result.prepared.enhanced_input,
    }


def write_record(path: Path, record: dict[str, object]) -> None:
    """Writes the record as readable JSON; a metric that is not a number would be an error here, not in the reader."""
    path.write_text(
        json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        encoding="utf-8",
        errors="backslashreplace",
    )


def _metrics(concentration: Concentration) -> dict[str, object]:
    return {
        "mask_share_of_slice": concentration.mask_share,
        "share_inside_mask": _by_stage(concentration.share_inside),
        "effective_area": _by_stage(concentration.effective_area),
        "narrowing_of_share_inside": _narrowing(concentration.narrowing_share),
        "narrowing_of_effective_area": _narrowing(concentration.narrowing_area),
    }


def _by_stage(metric: Mapping[MapId, float | None]) -> dict[str, dict[str, float | None]]:
    by_map: dict[str, dict[str, float | None]] = {}
    for map_id, value in metric.items():
        by_map.setdefault(map_id.map, {})[map_id.layer] = value
    return by_map


def _narrowing(narrowing: Narrowing | None) -> dict[str, float] | None:
    return None if narrowing is None else asdict(narrowing)


def versions_here() -> dict[str, str | None]:
    """Python's version and those of the packages that decide the numbers; None for one that is not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


@cache  # each is looked up in files, and a process does not change what it has imported
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
