"""What a map is and how it came about, as the flat text attributes that go with nodes and saved volumes."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from . import __version__
from .limits import LIMITS_STATEMENT
from .maps import MapId, MapInfo
from .organs_on_slice import OrganExplanation, overlaps
from .results import SliceExplanation
from .through_slices.several import FollowedOrgan, overlaps_through_slices
from .through_slices.volume_result import VolumeResult
from .volume.volume import PLANE_AXES


def provenance_of(result: SliceExplanation) -> dict[str, str]:
    """Names and values for everything that all maps of a result share; box in IJK, window and geometry in their units."""
    prepared, model = result.prepared, result.model
    parameters = asdict(result.explanation.parameters)
    return {
        "Version": __version__,
        "Source": prepared.image.volume_name,
        "Model": model.title,
        "ModelArchitecture": model.architecture,
        "ModelSha256": model.checksum_sha256,
        "Encoder": result.encoding.backend,
        "Preview": str(result.is_preview),
        "Plane": prepared.image.plane,
        "SliceIndex": "" if prepared.image.index is None else str(prepared.image.index),
        "BoxIjk": box_text(result),
        **({"Organ": result.organ} if result.organ else {}),
        "Modality": prepared.image.facts.modality_text,
        "GreyRange": f"{prepared.grey_range.lower:g} {prepared.grey_range.upper:g}",
        "GreyRangeOrigin": prepared.grey_range.origin,
        "ContrastEnhancedInput": str(prepared.enhanced_input),
        "Preset": result.explanation.parameters.preset.value,
        "Parameters": json.dumps({**parameters, "preset": parameters["preset"].value}),
        "ResolutionMm": "{:.3g} {:.3g}".format(*result.resolution_mm),
        "Presence": result.presence.sentence,
        "MaskCheck": result.mask_check.text,
        "Limits": LIMITS_STATEMENT,
    }


def organs_provenance_of(organs: Sequence[OrganExplanation]) -> dict[str, str]:
    """The same of what several organs on one slice share; box and verdict are each organ's own, and not in it."""
    own = {"BoxIjk", "Presence", "MaskCheck", "Organ"}
    shared = {name: text for name, text in provenance_of(organs[0].explanation).items() if name not in own}
    labels = ", ".join(f"{one.label} {one.organ.name}" for one in organs)
    return {**shared, "Labels": labels, "Overlaps": " ".join(overlaps(organs))}


def volume_provenance_of(result: VolumeResult) -> dict[str, str]:
    """Names and values that go with each volume of an organ that was followed through the slices."""
    on_slice, accepted, model = result.request.on_slice, result.accepted, result.model
    return {
        "Version": __version__,
        "Source": on_slice.volume.name,
        "Model": model.title if model else "",
        "ModelSha256": model.checksum_sha256 if model else "",
        "Plane": on_slice.image.plane,
        "Slices": f"{accepted[0].index} to {accepted[-1].index}" if accepted else "",
        "StartSlice": str(result.request.start),
        "Stops": " ".join(stop.sentence for stop in result.stops),
        "Limits": LIMITS_STATEMENT,
    }


def followed_organs_provenance_of(organs: Sequence[FollowedOrgan]) -> dict[str, str]:
    """The same of what several organs through the slices share; where each way ended is said with its organ's name."""
    shared = volume_provenance_of(organs[0].result)
    stops = [f"{one.organ.name}: {stop.sentence}" for one in organs for stop in one.result.stops]
    first, last = (
        pick(one.index for each in organs for one in each.result.accepted)
        if any(each.result.accepted for each in organs)
        else None
        for pick in (min, max)
    )
    return {
        **shared,
        "Slices": "" if first is None else f"{first} to {last}",
        "Stops": " ".join(stops),
        "Labels": ", ".join(f"{one.label} {one.organ.name}" for one in organs),
        "Overlaps": " ".join(overlaps_through_slices(organs)),
    }


def box_text(result: SliceExplanation) -> str:
    """'i 40 to 60, j 12 to 30' (or x and y of an oblique slice's own pixels), inclusive."""
    box = result.box.box
    axes = PLANE_AXES.get(result.prepared.image.plane)
    names = ("x", "y") if axes is None else ("ijk"[axes[0]], "ijk"[axes[1]])
    return f"{names[0]} {box.first_column} to {box.last_column}, {names[1]} {box.first_row} to {box.last_row}"


def map_attributes(info: MapInfo, map_id: MapId) -> dict[str, str]:
    """Names and values for one map: its identity, the same everywhere, and its title and layer for people.

    'Stage' is the name that scenes of earlier versions use.

    Args:
        info: The kind of map.
        map_id: The map.
    """
    attributes = {
        "Map": str(map_id),
        "Stage": f"stage {info.stage}" if info.stage else info.title,
        "Layer": map_id.layer,
    }
    if info.stage == 3:
        attributes["SpatialWeighting"] = str(not info.is_variant)
    return attributes
