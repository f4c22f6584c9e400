"""The metrics of one shown map, as numbers; words are the front end's."""

from dataclasses import dataclass

import numpy as np

from medxai.map_view import ViewChoices, is_comparison
from medxai.maps import OWN_MAPS, STAGE1
from medxai.results import Narrowing, SliceExplanation
from medxai.through_slices.volume_result import FollowedSlice, VolumeResult


@dataclass(frozen=True)
class MapMetrics:
    """What can be said of one map.

    Attributes:
        share_inside: Share of the map's mass inside the predicted mask; None for a map without mass, or one whose
            values below 0 mean the opposite.
        by_chance: What a uniform map would have there.
        resolution_mm: Width and height of one of its cells.
        narrowing: Of share_inside from the first layer to the last, over the stages; None for a map of no stage.
        from_encoder_alone: The mask decoder had no part in it.
        informative: Whether it has anything to show.
        grey_text: Which intensities became black and white, and why these.
        encode_seconds, explain_seconds: How long the slice and the box took.
    """

    share_inside: float | None
    by_chance: float
    resolution_mm: tuple[float, float]
    narrowing: Narrowing | None
    from_encoder_alone: bool
    informative: bool
    grey_text: str
    encode_seconds: float
    explain_seconds: float


def metrics_of(result: SliceExplanation, view: ViewChoices) -> MapMetrics:
    """The metrics of the chosen map."""
    map_id, concentration = view.map_id(result), result.concentration
    values = result.values(map_id)
    if map_id in concentration.share_inside:
        inside = concentration.share_inside[map_id]
    else:
        inside = None if map_id.key in result.signed else _share_inside(result, values)
    across, down = result.resolution_mm
    grid = result.encoding.grid
    cells = grid if is_comparison(view.map_key) else values.shape  # no finer than what another method looks at
    has_stage = any(info.stage for info in OWN_MAPS if info.key == map_id.key)
    return MapMetrics(
        share_inside=inside,
        by_chance=concentration.mask_share,
        resolution_mm=(across * grid[1] / cells[1], down * grid[0] / cells[0]),
        narrowing=concentration.narrowing_share if has_stage else None,
        from_encoder_alone=view.map_key == STAGE1.key,
        informative=view.display_range(result).informative,
        grey_text=result.prepared.grey_range.text,
        encode_seconds=result.encoding.seconds,
        explain_seconds=result.explanation.seconds + result.segmentation.seconds,
    )


@dataclass(frozen=True)
class FollowedMetrics:
    """What can be said of a followed organ's map on one slice.

    Attributes:
        layer: Of the map; '' for a map of no layer.
        one: The slice; None where the organ was not followed to it.
        area_mm2: Of its mask; None where the file does not say how large a pixel is.
        share_inside: Share of the map's mass on the slice inside its mask; None for a map without mass.
        by_chance: What a uniform map would have there.
    """

    layer: str
    one: FollowedSlice | None
    area_mm2: float | None = None
    share_inside: float | None = None
    by_chance: float = 0.0


def metrics_of_followed(result: VolumeResult, map_key: str, index: int | None) -> FollowedMetrics:
    """The metrics of a followed organ's map on a slice.

    Args:
        result: What was followed.
        map_key: Of the map that is looked at; the first one where it was not followed.
        index: The slice's voxel index; None for an oblique slice.
    """
    map_id = next((one for one in result.map_ids if one.key == map_key), result.map_ids[0])
    one = result.slice(index) if index is not None else None
    if one is None:
        return FollowedMetrics(map_id.layer, None)
    image = result.request.on_slice.image
    pixel_mm2 = image.spacing_mm[0] * image.spacing_mm[1]
    area = one.area_px * pixel_mm2 if image.facts.has_known_spacing else None
    return FollowedMetrics(map_id.layer, one, area, _inside(one.maps[map_id], one.mask), float(one.mask.mean()))


def _share_inside(result: SliceExplanation, values: np.ndarray) -> float | None:
    return _inside(result.on_slice(values), result.segmentation.mask)


def _inside(values: np.ndarray, mask: np.ndarray) -> float | None:
    """The share of a map's positive values on a slice that lies in a mask."""
    mass = np.maximum(values, 0)
    total = float(mass.sum())
    return float(mass[mask].sum() / total) if total > 0 else None
