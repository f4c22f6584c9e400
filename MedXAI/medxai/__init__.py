"""MedXAI: why did a MedSAM segmentation come out as it did?

The public names, on one screen. Each is imported when it is first used, so that `import medxai` is quick and works
before PyTorch is installed.

Example:
    >>> import medxai
    >>> phantom = medxai.make_phantom()
    >>> request = medxai.ExplainRequest.of_slice(
    ...     phantom.volume, "axial", phantom.slice_with_most("liver"), model=medxai.ModelChoice("demo")
    ... )
    >>> (result,) = medxai.Engine().explain(request, boxes=[(33, 42, 117, 130)])
    >>> result.segmentation.mask.shape  # (rows, columns) bool on the slice
    (176, 216)
    >>> stage3 = result.values(medxai.MapId("medxai", "stage3", result.shown_layer))
    >>> result.on_slice(stage3).shape  # from the model's square to the slice
    (176, 216)
"""

from typing import TYPE_CHECKING

from .on_demand import names_from

if TYPE_CHECKING:
    from .engine import Engine
    from .errors import Cancelled, InputError, MedXAIError, ModelError, OutputError, ResourceError
    from .explainers.base import Case, Explainer
    from .explainers.registry import map_infos
    from .explainers.three_stage.parameters import ExplainerParameters, Preset
    from .limits import LIMITS_STATEMENT
    from .maps import MapId, MapInfo, Need, Role
    from .model_input.grey import WINDOW_PRESETS, Window
    from .models.family import ModelFamily
    from .models.registry import checkpoints, model_family
    from .models.store import ModelStore
    from .organ_codes import Organ, organ_named
    from .organs_on_slice import OrganBox, OrganExplanation
    from .progress import RunControl, Step
    from .report.record import record_of
    from .report.writing import write_results
    from .request import ALL_LAYERS, ExplainRequest, ModelChoice
    from .results import ReferenceMask, SaliencyMap, Segmentation, SliceExplanation
    from .slice.slice_image import SliceImage, slice_of
    from .through_slices.request import VolumeRequest
    from .through_slices.volume_result import VolumeResult
    from .volume.phantom import make_phantom
    from .volume.reading import read_volume
    from .volume.volume import Modality, Volume, make_volume

__version__ = "0.2.0.dev0"

#: Where each name is defined, in the order in which data flow, from a volume to a report.
_HOMES = {
    "volume.reading": ("read_volume",),
    "volume.volume": ("Modality", "Volume", "make_volume"),
    "volume.phantom": ("make_phantom",),
    "slice.slice_image": ("SliceImage", "slice_of"),
    "model_input.grey": ("WINDOW_PRESETS", "Window"),
    "models.store": ("ModelStore",),
    "models.registry": ("checkpoints", "model_family"),
    "models.family": ("ModelFamily",),
    "request": ("ALL_LAYERS", "ExplainRequest", "ModelChoice"),
    "through_slices.request": ("VolumeRequest",),
    "through_slices.volume_result": ("VolumeResult",),
    "engine": ("Engine",),
    "organ_codes": ("Organ", "organ_named"),
    "organs_on_slice": ("OrganBox", "OrganExplanation"),
    "progress": ("RunControl", "Step"),
    "results": ("ReferenceMask", "SaliencyMap", "Segmentation", "SliceExplanation"),
    "maps": ("MapId", "MapInfo", "Need", "Role"),
    "explainers.three_stage.parameters": ("ExplainerParameters", "Preset"),
    "explainers.registry": ("map_infos",),
    "explainers.base": ("Case", "Explainer"),
    "report.record": ("record_of",),
    "report.writing": ("write_results",),
    "limits": ("LIMITS_STATEMENT",),
    "errors": ("Cancelled", "InputError", "MedXAIError", "ModelError", "OutputError", "ResourceError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF, "__version__"]  # noqa: PLE0604
__getattr__ = names_from(__name__, _HOME_OF)


def __dir__() -> list[str]:
    return sorted(__all__)
