"""Where the frames of a new object lie: planes in the patient, in DICOM's own axes (left, posterior, superior)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highdicom
import numpy as np

from ..slice.slice_image import SliceImage
from ..volume.volume import Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Planes:
    """Parallel planes of equal pixels.

    Attributes:
        positions_lps_mm: (n, 3), the centre of each plane's first pixel.
        row_lps, column_lps: (3,) unit directions in which the columns, and the rows, count up.
        pixel_mm: Height and width of a pixel, in DICOM's order.
        thickness_mm: Of a plane.
        slices: The volume's slices that the planes are, or (for a plane across them) touch.
    """

    positions_lps_mm: np.ndarray
    row_lps: np.ndarray
    column_lps: np.ndarray
    pixel_mm: tuple[float, float]
    thickness_mm: float
    slices: tuple[int, ...]

    @classmethod
    def of_slice(cls, image: SliceImage, volume: Volume) -> Planes:
        """The one plane of a slice; its pixels are rectangles, since a slice that would be bent is never cut."""
        is_own = image.plane == "axial" and image.index is not None
        slices = (image.index,) if is_own and image.index is not None else tuple(range(volume.voxels.shape[0]))
        thickness = image.spacing_mm[2]
        if is_own and volume.facts.slice_thickness_mm is not None:
            thickness = volume.facts.slice_thickness_mm
        return cls._of(image.pixel_to_ras_mm, image.pixel_to_ras_mm[:3, 3:].T, thickness, slices)

    @classmethod
    def of_volume(cls, volume: Volume, slices: Sequence[int]) -> Planes:
        """A plane for each of some slices of a volume, by K, where the scanner cut it, tilted or not."""
        matrix = volume.ijk_to_ras_mm
        positions = matrix[:3, 3] + np.array(slices)[:, None] * matrix[:3, 2]
        thickness = volume.facts.slice_thickness_mm or float(volume.spacing_mm[2])
        return cls._of(matrix, positions, thickness, tuple(slices))

    @classmethod
    def _of(
        cls, matrix: np.ndarray, positions_ras_mm: np.ndarray, thickness_mm: float, slices: tuple[int, ...]
    ) -> Planes:
        across, down = (_RAS_TO_LPS @ matrix[:3, axis] for axis in (0, 1))
        width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
        return cls(positions_ras_mm @ _RAS_TO_LPS, across / width, down / height, (height, width), thickness_mm, slices)

    def as_arguments(self) -> dict[str, Any]:
        """What highdicom's objects take to place their frames."""
        orientation = [*map(float, self.row_lps), *map(float, self.column_lps)]
        return {
            "pixel_measures": highdicom.PixelMeasuresSequence(
                pixel_spacing=self.pixel_mm, slice_thickness=self.thickness_mm
            ),
            "plane_orientation": highdicom.PlaneOrientationSequence("PATIENT", orientation),
            "plane_positions": [
                highdicom.PlanePositionSequence("PATIENT", [float(v) for v in position])
                for position in self.positions_lps_mm
            ],
        }
