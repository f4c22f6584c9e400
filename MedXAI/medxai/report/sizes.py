"""Lengths and areas on a slice as text: millimetres and cm² only where the file says how large a pixel is."""

from ..results import SliceExplanation


def area_text(result: SliceExplanation) -> str:
    """The segmented area: '12.3 cm²', or '4567 pixels'."""
    image, pixels = result.prepared.image, int(result.segmentation.mask.sum())
    if not image.facts.has_known_spacing:
        return f"{pixels} pixels"
    across, down, _ = image.spacing_mm
    return f"{pixels * across * down / 100:.1f} cm²"


def size_text(result: SliceExplanation, width: float, height: float, pattern: str = "{:.1f}") -> str:
    """'4.5 × 3.0 mm', or pixels where the size of a pixel is not known.

    Args:
        result: Whose slice.
        width: In mm; 1 mm stands for a pixel of unknown size.
        height: Likewise.
        pattern: How a number is written, for str.format.
    """
    unit = "mm" if result.prepared.image.facts.has_known_spacing else "pixels"
    return f"{pattern.format(width)} × {pattern.format(height)} {unit}"


def thickness_text(result: SliceExplanation) -> str:
    """', 5 mm thick', ', 3 mm apart', both where they differ, or '' where neither is known."""
    image = result.prepared.image
    if not image.facts.has_known_spacing:
        return ""
    apart, thick = image.spacing_mm[2], image.thickness_mm
    if image.plane == "oblique":
        return ""
    if thick is None:
        return f", {apart:.3g} mm apart"
    return f", {thick:.3g} mm thick" + (f", {apart:.3g} mm apart" if abs(apart - thick) > 0.01 * thick else "")
