"""A region put into the middle of a view, for those who rather drag a box than draw one."""

import slicer

from medxai.scene.regions import roi_of_box, set_depth
from medxai.scene.slices import slice_in_view
from medxai.scene.volumes import volume_of
from medxai.slice.box import PixelBox

from .region_look import style


def region_in_the_middle(
    volume: "slicer.vtkMRMLScalarVolumeNode", view: "slicer.vtkMRMLSliceNode", name: str, slices: int
) -> "slicer.vtkMRMLMarkupsROINode":
    """A region over the middle third of the view's slice, so many slices deep.

    Raises:
        InputError: The view shows no slice of the volume.
    """
    image = slice_in_view(volume_of(volume), volume, view)
    rows, columns = image.shape
    box = PixelBox(columns // 3, rows // 3, max(2 * columns // 3 - 1, columns // 3), max(2 * rows // 3 - 1, rows // 3))
    region = roi_of_box(volume.GetScene(), name, box, image, volume)
    set_depth(region, volume, view, slices)
    style(region)
    return region
