"""From nodes to nodes: what `MedXAILogic.explain` does."""

from collections.abc import Callable, Sequence

import slicer

from ..explaining.parameters import ExplainerParameters
from ..imaging.grey import GreyRange, Window
from ..imaging.volume import Modality
from ..pipeline import Explainer, prepare_slice
from . import views
from .regions import box_of_roi
from .results import SceneResult, show_result
from .slices import slice_in_view
from .volumes import volume_of


def explain_nodes(
    explainer: Explainer,
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
    roi_node: "slicer.vtkMRMLMarkupsROINode",
    slice_node: "slicer.vtkMRMLSliceNode | None" = None,
    parameters: ExplainerParameters | None = None,
    window: Window | None = None,
    modality: Modality | str | None = None,
    enhance_input: bool = False,
    grey_range: GreyRange | None = None,
    layers: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> SceneResult:
    """Explains what the ROI encloses on the slice that the view (default: Red) shows, and puts the result into the scene.

    Raises InputError, Cancelled, ModelError or ResourceError; the scene is then as it was.
    """
    volume = volume_of(volume_node, modality)
    slice_node = slice_node or views.slice_view(volume_node.GetScene(), "Red")
    image = slice_in_view(volume, volume_node, slice_node)
    box = box_of_roi(roi_node, volume_node, image)
    prepared = prepare_slice(volume, image, explainer.model.convention, window, enhance_input, grey_range)
    result = explainer.explain(prepared, [box], parameters, layers, progress, is_cancelled)[0]
    return show_result(result, volume_node, roi_node, slice_node)
