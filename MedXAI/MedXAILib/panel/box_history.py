"""Where a box was before it was moved, so that a move can be undone."""

from collections.abc import Callable

import numpy as np
import slicer
import vtk

#: A move that begins after this rest, in seconds, is a move of its own; a drag is many changes in a row.
_REST_S = 0.4
_MOST = 50

_Place = tuple[tuple[float, ...], tuple[float, ...]]


class BoxHistory:
    """Remembers the places of the chosen region, one a move.

    Args:
        clock: In seconds.
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._region: slicer.vtkMRMLMarkupsROINode | None = None
        self._last: _Place | None = None
        self._last_change = -np.inf
        self._before: list[_Place] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a place to go back to."""
        return bool(self._before)

    def notice(self, region: "slicer.vtkMRMLMarkupsROINode | None") -> None:
        """The chosen region may have moved, or another one was chosen."""
        if region is not self._region:
            self._region, self._before = region, []
            self._last = _place(region) if region is not None else None
            return
        if region is None:
            return
        place = _place(region)
        if place == self._last:
            return
        now = self._clock()
        if self._last is not None and now - self._last_change > _REST_S:
            self._before = [*self._before, self._last][-_MOST:]
        self._last, self._last_change = place, now

    def undo(self) -> None:
        """Puts the region back to where it was before its last move."""
        if not self._before or self._region is None or self._region.GetScene() is None:
            return
        size, matrix = self._last = self._before.pop()
        frame = vtk.vtkMatrix4x4()
        frame.DeepCopy(matrix)
        with slicer.util.NodeModify(self._region):
            self._region.SetSize(*size)
            self._region.SetAndObserveObjectToNodeMatrix(frame)
        self._last = _place(self._region)


def _place(region: "slicer.vtkMRMLMarkupsROINode") -> _Place | None:
    """Size in mm and the 16 numbers of object to node; None while the region is not placed yet."""
    if region.GetNumberOfControlPoints() == 0:
        return None
    frame = region.GetObjectToNodeMatrix()
    numbers = tuple(round(frame.GetElement(row, column), 6) for row in range(4) for column in range(4))
    return tuple(round(value, 6) for value in region.GetSize()), numbers
