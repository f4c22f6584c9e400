"""Every choice of the panel, in the scene: saved and loaded with it."""

from typing import Annotated

from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSliceNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from medxai.map_view import ViewChoices, map_key_of
from medxai.maps import STAGE3

from ..session.choices import MethodChoices

AUTOMATIC = "automatic"
#: The window that the view shows now.
AS_SHOWN = "as shown"


@parameterNodeWrapper
class MedXAIParameterNode:
    """The panel's choices.

    Attributes:
        volume: The scan.
        region: The box as an ROI.
        view: The view whose slice is explained.
        model: A registered name or a file; empty: the best whose weights are here.
        window: Automatic, as shown, or a preset's name.
        modality: 'CT', 'MR', 'picture', or automatic.
        preset: How stage 3 measures distance, 'paper' or 'contour'.
        allLayers: Every block instead of the default ones.
        enhanceInput: Whether the model, too, sees the contrast-enhanced slice.
        live: Whether the maps follow the box.
        map: Which map is shown, by its key.
        layer: Of the shown map; empty for the one that stands for its stage.
        weighted: Stage 3 with its spatial weighting.
        overlay: Whether the map is drawn.
        segmentation: Whether the mask's outline is drawn.
        legend: Whether the colour legend is drawn.
        sideBySide: Whether the stages stand beside each other.
        opacity: Of the overlay, per cent.
        threshold: Share of the display range below which nothing is drawn, per cent.
        colours: Name of the colour map.
    """

    volume: vtkMRMLScalarVolumeNode
    region: vtkMRMLMarkupsROINode
    view: vtkMRMLSliceNode
    model: str = ""
    window: str = AUTOMATIC
    modality: str = AUTOMATIC
    preset: str = "paper"
    allLayers: bool = False
    enhanceInput: bool = False
    live: bool = True
    map: str = STAGE3.key
    layer: str = ""
    weighted: bool = True
    overlay: bool = True
    segmentation: bool = True
    legend: bool = True
    sideBySide: bool = False
    opacity: Annotated[int, WithinRange(0, 100)] = 60
    threshold: Annotated[int, WithinRange(0, 95)] = 5
    colours: str = "inferno"
    oneScale: bool = False


def method_of(parameters: MedXAIParameterNode, device: str, encoder: str) -> MethodChoices:
    """What the parameters say of how maps are made.

    Args:
        parameters: The scene's choices.
        device: A preference of the machine, not of the scene.
        encoder: Likewise.
    """
    return MethodChoices(
        model=parameters.model,
        device=device,
        encoder=encoder,
        window=window_of(parameters),
        modality=None if parameters.modality == AUTOMATIC else parameters.modality,
        preset=parameters.preset if parameters.preset in ("paper", "contour") else "paper",
        all_layers=parameters.allLayers,
        enhance_input=parameters.enhanceInput,
    )


def window_of(parameters: MedXAIParameterNode) -> tuple[float, float] | None:
    """Level and width of the chosen window; None for the modality's own."""
    if parameters.window == AUTOMATIC:
        return None
    if parameters.window == AS_SHOWN:
        display = parameters.volume.GetDisplayNode() if parameters.volume else None
        return (display.GetLevel(), display.GetWindow()) if display and display.GetWindow() > 0 else None
    from medxai.model_input.grey import WINDOW_PRESETS

    preset = WINDOW_PRESETS.get(parameters.window)
    return (preset.level, preset.width) if preset else None


def view_of(parameters: MedXAIParameterNode) -> ViewChoices:
    """What the parameters say of how maps are looked at; scenes of earlier versions say 'stage1' for 'medxai/stage1'."""
    return ViewChoices(
        map_key=map_key_of(parameters.map),
        layer=parameters.layer,
        weighted=parameters.weighted,
        threshold=parameters.threshold / 100,
        opacity=parameters.opacity / 100,
        colours=parameters.colours,
        overlay=parameters.overlay,
        segmentation=parameters.segmentation,
        legend=parameters.legend,
        side_by_side=parameters.sideBySide,
        one_scale=parameters.oneScale,
    )
