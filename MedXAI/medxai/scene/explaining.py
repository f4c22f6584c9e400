"""From nodes to nodes: what `MedXAILogic.explain` does."""

from collections.abc import Callable, Sequence

import slicer

from ..encoding.cache import EncodingCache
from ..engine import Explainer, prepare_slice
from ..explainers.three_stage.parameters import ExplainerParameters
from ..model_input.grey import GreyRange, Window
from ..models.device import choose_device
from ..models.loading import load_model
from ..models.store import ModelStore
from ..volume.volume import Modality
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


class NodeExplainer:
    """Explains nodes with models and encodings kept from one call to the next; the state behind `MedXAILogic`."""

    def __init__(self, store: ModelStore | None = None, cache: EncodingCache | None = None):
        self._store = store or ModelStore()
        self._cache = cache or EncodingCache()
        self._explainers: dict[tuple[str, str], Explainer] = {}

    def explainer(self, model: str, device: str = "auto") -> Explainer:
        """The explainer of a registered name or a checkpoint file, loaded once. Raises ModelError."""
        chosen = choose_device(device).device
        key = (str(model), str(chosen))
        if key not in self._explainers:
            self._explainers[key] = Explainer(load_model(model, self._store, chosen), self._cache)
        return self._explainers[key]

    def free(self) -> None:
        """Forgets all loaded models and encodings."""
        self._explainers.clear()
        self._cache.clear()
