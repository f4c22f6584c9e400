"""explanation.json: every parameter, figure, warning, version, checksum and timing of one explanation."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..display_range import display_range
from ..engine import SliceExplanation
from ..explainers.three_stage.concentration import Concentration, Narrowing
from ..explainers.three_stage.stages import STAGES
from ..limits import LIMITS_STATEMENT

_PACKAGES = ("torch", "segment-anything", "numpy", "scikit-image", "SimpleITK", "vtk", "slicer-core")


def record_of(result: SliceExplanation, source: dict[str, object] | None = None) -> dict[str, object]:
    """The record as plain values for JSON. source: what is known of the input file beyond the volume itself."""
    prepared, explanation, box = result.prepared, result.explanation, result.box.box
    image, model = prepared.image, result.model
    parameters = asdict(explanation.parameters)
    return {
        "limits": LIMITS_STATEMENT,
        "medxai": __version__,
        "input": {
            **(source or {}),
            "volume": image.volume_name,
            "plane": image.plane,
            "slice_index": image.index,
            "slice_shape": list(image.shape),
            "spacing_mm": list(image.spacing_mm),
            "pixel_to_ras_mm": image.pixel_to_ras_mm.tolist(),
            "box_first_last_px": {
                "columns": [box.first_column, box.last_column],
                "rows": [box.first_row, box.last_row],
            },
            "box_was_clipped": result.box.was_clipped,
            "grey_lower": prepared.grey_range.lower,
            "grey_upper": prepared.grey_range.upper,
            "contrast_enhanced_input": prepared.enhanced_input,
        },
        "model": {
            "name": model.name,
            "title": model.title,
            "architecture": model.architecture,
            "checksum_sha256": model.checksum_sha256,
            "preparation": model.convention.preparation.value,
            "input_size_px": model.convention.size_px,
            "device": str(model.device),
        },
        "parameters": {**parameters, "preset": parameters["preset"].value},
        "segmentation": {
            "mask_pixels": int(result.segmentation.mask.sum()),
            "mask_area_mm2": float(result.segmentation.mask.sum() * image.spacing_mm[0] * image.spacing_mm[1]),
        },
        "figures": _figures(result.concentration),
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
        "depends_on_mask_decoder": {
            "stage1": False,
            "stage2": True,
            "stage3": True,
            "interaction": True,
            "terminal": True,
        },
        "resolution_mm": list(result.resolution_mm),
        "warnings": list(result.warnings),
        "timings_s": {
            "encode": result.encoding.seconds,
            "encoded_now": result.encoded_now,
            "segment": result.segmentation.seconds,
            "explain": explanation.seconds,
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
    }


def write_record(path: Path, record: dict[str, object]) -> None:
    """Writes the record as readable JSON; a figure that is not a number would be an error here, not in the reader."""
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _figures(figures: Concentration) -> dict[str, object]:
    return {
        "mask_share_of_slice": figures.mask_share,
        "share_inside_mask": _by_stage(figures.share_inside),
        "effective_area": _by_stage(figures.effective_area),
        "narrowing_of_share_inside": _narrowing(figures.narrowing_share),
        "narrowing_of_effective_area": _narrowing(figures.narrowing_area),
    }


def _by_stage(figure: dict[tuple[int, str], float | None]) -> dict[str, dict[str, float | None]]:
    return {f"stage{s}": {layer: value for (stage, layer), value in figure.items() if stage == s} for s in STAGES}


def _narrowing(narrowing: Narrowing | None) -> dict[str, float] | None:
    return None if narrowing is None else asdict(narrowing)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
