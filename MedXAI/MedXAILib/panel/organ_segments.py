"""Several organs of one slice as the panel shows them: one segmentation with a segment each, and one table."""

import slicer

from medxai.results import SliceExplanation
from medxai.scene.working_organs import (
    find_working_organs,
    put_working_organs,
    release_working_organs,
    remove_working_organs,
)

from ..session.organs import ExplainedOrgans


class OrganSegments:
    """The nodes of the organs that were last explained in one go.

    Args:
        scene: Holds them.
    """

    def __init__(self, scene: "slicer.vtkMRMLScene"):
        self._scene = scene
        self._organs: ExplainedOrgans | None = None

    def forget(self) -> None:
        """The scene closes."""
        self._organs = None

    def put(self, organs: ExplainedOrgans | None, volume: "slicer.vtkMRMLScalarVolumeNode") -> None:
        """Puts organs into the scene in the place of those before, or takes those out (None)."""
        self._organs = organs
        if organs is None:
            remove_working_organs(self._scene, volume)
        else:
            put_working_organs(organs.organs, volume)

    def keep(self, volume: "slicer.vtkMRMLScalarVolumeNode") -> None:
        """Leaves them in the scene for good."""
        release_working_organs(volume)

    def remove_orphans(self) -> None:
        """Takes those out of the scene whose volume is gone."""
        remove_working_organs(self._scene, None)

    def hide(self, volume: "slicer.vtkMRMLScalarVolumeNode") -> None:
        """An organ through the slices is shown in their place."""
        segmentation = find_working_organs(volume).segmentation
        if segmentation is not None and segmentation.GetDisplayNode() is not None:
            segmentation.GetDisplayNode().SetVisibility(False)

    def arrange(
        self,
        volume: "slicer.vtkMRMLScalarVolumeNode",
        shown: SliceExplanation | None,
        is_drawn: bool,
        shows_contour: bool,
    ) -> bool:
        """Draws the segments where they belong to what is shown; returns whether they do.

        Args:
            volume: The scan.
            shown: The result whose maps are shown; None for those of a loaded scene.
            is_drawn: Whether the user wants masks to be drawn.
            shows_contour: Whether the shown organ's outline is drawn in its kinds, in the place of its segment.
        """
        segmentation = find_working_organs(volume).segmentation
        if segmentation is None or segmentation.GetDisplayNode() is None:
            return False
        belongs = shown is None or (self._organs is not None and self._organs.holds(shown))
        display = segmentation.GetDisplayNode()
        display.SetVisibility(belongs and is_drawn)
        if shown is not None and belongs and self._organs is not None:
            for number, one in enumerate(self._organs.organs):
                is_shown_one = one.explanation.segmentation is shown.segmentation
                identity = segmentation.GetSegmentation().GetNthSegmentID(number)
                display.SetSegmentVisibility(identity, not (is_shown_one and shows_contour))
        return belongs
