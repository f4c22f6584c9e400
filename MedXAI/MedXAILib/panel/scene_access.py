"""The scene for the panel, before and after the numerical packages are there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import slicer

from medxai.scene.selection import Selection

from ..session.choices import MethodChoices, ViewChoices
from ..session.situation import Lack, Sight, Situation

if TYPE_CHECKING:
    from medxai.engine import SliceExplanation
    from medxai.scene.panel_scene import PanelScene

    from .parameter_node import MedXAIParameterNode

#: Every map that MedXAI puts into a scene says of which stage it is.
_MAP_ATTRIBUTE = "MedXAI.Stage"
_OWN_VIEW_PREFIX = "MedXAI"
_WORKING, _SOURCE, _REGION = "MedXAI.Working", "MedXAI.source", "MedXAI.region"


class SceneAccess:
    """The controller's `ScenePort`, which imports what it needs only when the controller first looks at the scene."""

    def __init__(self, scene: "slicer.vtkMRMLScene", selection: Callable[[], Any]):
        self._scene = scene
        self._selection = selection
        self._port: PanelScene | None = None

    # The controller's port.

    def look(self, method: MethodChoices) -> Sight:
        chosen = self._selection()
        return self._real.look(method) if chosen.volume is not None else Sight(lack=Lack.VOLUME)

    def show(self, explanation: "SliceExplanation", situation: Situation, view: ViewChoices) -> None:
        self._real.show(explanation, situation, view)

    def show_live(self, explanation: "SliceExplanation", situation: Situation, view: ViewChoices) -> None:
        self._real.show_live(explanation, situation, view)

    def restyle(self, explanation: "SliceExplanation | None", situation: Situation | None, view: ViewChoices) -> None:
        chosen = self._selection()
        if explanation is not None or self._maps_of(chosen):
            self._real.restyle(explanation, situation, view)

    def exporter(self, explanation: "SliceExplanation", situation: Situation, folder: str) -> Callable[[], str]:
        return self._real.exporter(explanation, situation, folder)

    # What the panel asks besides.

    def forget(self) -> None:
        """Lets go of everything that belongs to the scene's content."""
        if self._port is not None:
            self._port.forget()

    def selection_of(self, parameters: "MedXAIParameterNode | None") -> "Selection":
        """The chosen nodes as far as they are still there."""
        if parameters is None:
            return Selection(None, None, None)
        return Selection(parameters.volume, parameters.region, parameters.view)

    def choose_defaults(self, parameters: "MedXAIParameterNode") -> None:
        """What a user would choose anyway: the shown view, the volume that it shows, and the newest region."""
        if parameters.view is None:
            parameters.view = self._scene.GetSingletonNode(
                "Red", "vtkMRMLSliceNode"
            ) or self._scene.GetFirstNodeByClass("vtkMRMLSliceNode")
        if parameters.volume is None:
            parameters.volume = self._shown_volume(parameters.view) or self._first_volume()
        if parameters.region is None:
            count = self._scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
            regions = [self._scene.GetNthNodeByClass(index, "vtkMRMLMarkupsROINode") for index in range(count)]
            visible = [region for region in regions if not region.GetHideFromEditors()]
            if visible:
                parameters.region = visible[-1]

    def has_maps(self, parameters: "MedXAIParameterNode") -> bool:
        """Whether the scene holds maps of the chosen volume and region."""
        return bool(self._maps_of(self.selection_of(parameters)))

    def keep_maps(self) -> None:
        """Leaves the shown maps in the scene for good."""
        from medxai.scene.working_result import find_working, release

        chosen = self._selection()
        found = find_working(chosen.volume, chosen.roi) if chosen.volume and chosen.roi else None
        if found is not None:
            release(found)

    def ids_of_maps(self) -> tuple[str, ...]:
        """Volumes that are maps of ours."""
        return tuple(node.GetID() for node in self._volumes() if node.GetAttribute(_MAP_ATTRIBUTE))

    def ids_of_own_views(self) -> tuple[str, ...]:
        """Slice views of the side-by-side layout."""
        count = self._scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")
        views = [self._scene.GetNthNodeByClass(index, "vtkMRMLSliceNode") for index in range(count)]
        return tuple(view.GetID() for view in views if self.is_own_view(view))

    def is_own_view(self, view: "slicer.vtkMRMLSliceNode") -> bool:
        """Whether a view belongs to the side-by-side layout."""
        return (view.GetSingletonTag() or "").startswith(_OWN_VIEW_PREFIX)

    def has_left_side_by_side(self) -> bool:
        """Whether the layout was ours and no longer is."""
        return self._port is not None and self._port.has_left_side_by_side()

    @property
    def _real(self) -> "PanelScene":
        if self._port is None:
            from medxai.scene.panel_scene import PanelScene

            self._port = PanelScene(self._scene, self._selection)
        return self._port

    def _maps_of(self, chosen: "Selection") -> list:
        if chosen.volume is None or chosen.roi is None:
            return []
        wanted = chosen.volume.GetID(), chosen.roi.GetID()
        return [
            node
            for node in self._volumes()
            if node.GetAttribute(_WORKING)
            and (node.GetNodeReferenceID(_SOURCE), node.GetNodeReferenceID(_REGION)) == wanted
        ]

    def _volumes(self) -> list:
        count = self._scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        return [self._scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)]

    def _shown_volume(self, view: "slicer.vtkMRMLSliceNode | None") -> "slicer.vtkMRMLScalarVolumeNode | None":
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view) if view is not None else None
        identity = composite.GetBackgroundVolumeID() if composite is not None else None
        node = self._scene.GetNodeByID(identity) if identity else None
        return node if node is not None and _can_be_explained(node) else None

    def _first_volume(self) -> "slicer.vtkMRMLScalarVolumeNode | None":
        return next((node for node in self._volumes() if _can_be_explained(node)), None)


def _can_be_explained(node: "slicer.vtkMRMLNode") -> bool:
    return (
        node.GetClassName() == "vtkMRMLScalarVolumeNode"
        and not node.GetAttribute(_MAP_ATTRIBUTE)
        and not node.GetHideFromEditors()
    )
