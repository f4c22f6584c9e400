"""The nodes that a user has chosen to be explained."""

from dataclasses import dataclass

import slicer


@dataclass(frozen=True)
class Selection:
    """The nodes that the user has chosen; None for those that are not, or no longer there.

    Attributes:
        volume: The scan.
        roi: The region.
        slice: The view whose slice is explained.
    """

    volume: "slicer.vtkMRMLScalarVolumeNode | None"
    roi: "slicer.vtkMRMLMarkupsROINode | None"
    slice: "slicer.vtkMRMLSliceNode | None"
