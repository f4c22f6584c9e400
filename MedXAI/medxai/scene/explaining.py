"""From nodes to nodes: what `MedXAILogic.explain` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import slicer

from ..engine import Engine
from ..explainers.three_stage.parameters import ExplainerParameters, parameters_for
from ..model_input.grey import Window
from ..models.loading import LoadedModel
from ..progress import RunControl
from ..request import ExplainRequest, ModelChoice
from ..volume.volume import Modality
from . import views
from .regions import box_of_roi
from .results import SceneResult, show_result
from .slices import slice_in_view
from .volumes import volume_of


@dataclass(frozen=True)
class NodeRequest:
    """What is explained in a scene, and how.

    Attributes:
        volume_node: The scan.
        roi_node: Encloses the organ; None where several ROIs are asked for.
        slice_node: The view whose slice is explained; None for Red.
        model: Which model; or one in memory.
        window: Level and width; None for the modality's own.
        modality: 'CT', 'MR' or 'picture'; None to let the volume tell.
        enhance_input: Whether the model, too, sees the contrast-enhanced slice.
        layers: The encoder's layers; None for the default ones, 'all' for every one.
        parameters: The weights of the three stages.
    """

    volume_node: slicer.vtkMRMLScalarVolumeNode
    roi_node: slicer.vtkMRMLMarkupsROINode | None
    slice_node: slicer.vtkMRMLSliceNode | None = None
    model: ModelChoice | LoadedModel = ModelChoice()
    window: Window | None = None
    modality: Modality | str | None = None
    enhance_input: bool = False
    layers: tuple[str, ...] | Literal["all"] | None = None
    parameters: ExplainerParameters = ExplainerParameters()

    @classmethod
    def of_plain_values(
        cls,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        roi_node: slicer.vtkMRMLMarkupsROINode | None,
        slice_node: slicer.vtkMRMLSliceNode | None,
        **choices: Any,
    ) -> NodeRequest:
        """A request of what users type into Slicer's console.

        Args:
            volume_node: The scan.
            roi_node: Encloses the organ; None where several ROIs are asked for.
            slice_node: The view; None for Red.
            **choices: Those of `MedXAILogic.explain` by their names there; what is left out is as there.
        """
        window, layers = choices.get("window"), choices.get("layers")
        return cls(
            volume_node,
            roi_node,
            slice_node,
            ModelChoice(
                choices.get("model"),
                choices.get("device", "auto"),
                choices.get("encoder", "exact"),
                choices.get("preparation", "default"),
            ),
            Window(*window) if window is not None else None,
            choices.get("modality"),
            choices.get("enhanceInput", False),
            layers if layers == "all" else tuple(layers) if layers else None,
            parameters_for(choices.get("preset", "paper")),
        )


def explain_nodes(engine: Engine, asked: NodeRequest, control: RunControl = RunControl()) -> SceneResult:
    """Explains what the ROI encloses on the slice that the view shows, and puts the result into the scene.

    Args:
        engine: Explains.
        asked: Nodes and choices.
        control: Hears of the progress, and stops the work.

    Raises:
        InputError: Where the nodes cannot be used; the scene is then as it was, as after all these errors.
        Cancelled: Once the control says so.
        ModelError: Where the model cannot be loaded.
        ResourceError: Where memory runs out.
    """
    request, slice_node = request_of_nodes(asked)
    box = box_of_roi(asked.roi_node, asked.volume_node, request.image)
    (result,) = engine.explain(request, [box], control)
    return show_result(result, asked.volume_node, asked.roi_node, slice_node)


def request_of_nodes(asked: NodeRequest) -> tuple[ExplainRequest, slicer.vtkMRMLSliceNode]:
    """What the engine is asked on the slice that the view shows, and the view.

    Raises:
        InputError: Where the nodes cannot be used.
    """
    volume = volume_of(asked.volume_node, asked.modality)
    slice_node = asked.slice_node or views.slice_view(asked.volume_node.GetScene(), "Red")
    request = ExplainRequest(
        volume,
        slice_in_view(volume, asked.volume_node, slice_node),
        asked.model,
        asked.window,
        asked.enhance_input,
        layers=asked.layers,
        parameters=asked.parameters,
    )
    return request, slice_node
