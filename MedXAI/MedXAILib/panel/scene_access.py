"""The scene for the panel, before and after the numerical packages are there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from medxai.map_view import ViewChoices
from medxai.results import SliceExplanation
from medxai.scene.geometry import array_of, world_from_ijk, world_from_node
from medxai.scene.nodes import nodes_of_class

from ..session.choices import MethodChoices
from ..session.organs import ExplainedOrgans
from ..session.snapshot import ExplanationKey, MissingInput, RegionBox, SceneSnapshot
from ..session.state import State
from .marked_regions import choose_organ, mark, regions_of
from .selection import Selection

if TYPE_CHECKING:
    from medxai.through_slices.volume_result import VolumeResult

    from .panel_scene import PanelScene
    from .parameter_node import MedXAIParameterNode

#: Every map that MedXAI puts into a scene says of which stage it is.
_MAP_ATTRIBUTE = "MedXAI.Stage"
_OWN_VIEW_PREFIX = "MedXAI"
_WORKING, _SOURCE, _REGION = "MedXAI.Working", "MedXAI.source", "MedXAI.region"


@dataclass(frozen=True)
class SceneMaps:
    """What the scene holds of maps.

    Attributes:
        can_be_looked_at: There are any.
        are_saved: They came with a loaded scene, so there is no result behind them.
        is_deleted: The user has deleted the one that is looked at.
    """

    can_be_looked_at: bool
    are_saved: bool = False
    is_deleted: bool = False


class SceneAccess:
    """The controller's `ScenePort`, which imports what it needs only when the controller first looks at the scene."""

    def __init__(self, scene: "slicer.vtkMRMLScene", selection: Callable[[], Any]):
        self._scene = scene
        self._selection = selection
        self._port: PanelScene | None = None

    # The controller's port.

    def look(self, method: MethodChoices) -> SceneSnapshot:
        chosen = self._selection()
        return self._real.look(method) if chosen.volume is not None else SceneSnapshot(lack=MissingInput.VOLUME)

    def show(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        self._real.show(explanation, key, view)

    def show_live(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        self._real.show_live(explanation, key, view)

    def restyle(self, explanation: SliceExplanation | None, key: ExplanationKey | None, view: ViewChoices) -> None:
        chosen = self._selection()
        has_followed = self._port is not None and self._port.shows_followed
        if explanation is not None or has_followed or self._maps_of(chosen):
            self._real.restyle(explanation, key, view)

    def show_organs(self, organs: ExplainedOrgans | None, key: ExplanationKey) -> None:
        self._real.show_organs(organs, key)

    def prepare_followed(self, result: "VolumeResult") -> Any:
        return self._real.prepare_followed(result)

    def show_followed(self, prepared: Any, key: ExplanationKey, view: ViewChoices) -> None:
        self._real.show_followed(prepared, key, view)

    def source_files(self, key: ExplanationKey) -> tuple[Path, ...]:
        return self._real.source_files(key)

    # What the panel asks besides.

    def forget(self) -> None:
        """Lets go of everything that belongs to the scene's content."""
        if self._port is not None:
            self._port.forget()

    def choose_defaults(self, parameters: "MedXAIParameterNode") -> None:
        """What a user would choose anyway: the shown view, the volume that it shows, and the newest region."""
        if parameters.view is None:
            parameters.view = self._scene.GetSingletonNode(
                "Red", "vtkMRMLSliceNode"
            ) or self._scene.GetFirstNodeByClass("vtkMRMLSliceNode")
        if parameters.volume is None:
            parameters.volume = self._shown_volume(parameters.view) or self._first_volume()
        if parameters.region is None:
            regions = regions_of(self._scene)
            if regions:
                parameters.region = regions[-1]

    def regions(self) -> "list[slicer.vtkMRMLMarkupsROINode]":
        """All regions that users see in lists."""
        return regions_of(self._scene)

    def mark(self, region: RegionBox, is_on: bool) -> None:
        """Whether a region is explained together with the other marked ones."""
        node = self._scene.GetNodeByID(region.origin.roi)
        if node is not None:
            mark(node, is_on)

    def choose_organ(self, region: RegionBox, organ: str, otherwise: str) -> None:
        """Notes which organ a region is around.

        Args:
            region: In the scene.
            organ: Its name; '' for none.
            otherwise: What a region of no organ is called.
        """
        node = self._scene.GetNodeByID(region.origin.roi)
        if node is not None:
            choose_organ(node, organ, otherwise)

    def maps(self, state: State) -> SceneMaps:
        """What the scene holds of the maps that a state speaks of."""
        if state.result is not None:
            return SceneMaps(True, is_deleted=self._port is not None and self._port.has_lost(state.view.map_key))
        if state.followed is not None:
            return SceneMaps(True)
        are_saved = state.started and bool(self._maps_of(self._selection()))
        return SceneMaps(are_saved, are_saved=are_saved)

    def node_removed(self, node: "slicer.vtkMRMLNode") -> None:
        """A node has left the scene: with a volume go its maps; a map or outline that the user deleted is missed."""
        if self._port is None or self._port.is_writing:
            return
        is_volume = node.IsA("vtkMRMLScalarVolumeNode")
        if node.GetAttribute(_WORKING) and (is_volume or node.IsA("vtkMRMLModelNode")):
            self._port.map_removed(node)
        elif is_volume:
            self._port.remove_orphans()

    def scroll(self, by: int) -> None:
        """Shows the slice so many further on in the chosen view."""
        chosen = self._selection()
        if chosen.volume is None or chosen.slice is None:
            return
        normal = array_of(chosen.slice.GetSliceToRAS())[:3, 2]
        spacing = float(np.abs(normal @ world_from_ijk(chosen.volume)[:3, :3]).max())
        chosen.slice.SetSliceOffset(chosen.slice.GetSliceOffset() + by * spacing)

    def show_slice(self, result: "VolumeResult", index: int) -> None:
        """Shows a slice of the volume through which an organ was followed in the chosen view.

        Args:
            result: What was followed.
            index: The slice's voxel index.
        """
        from medxai.scene.through_slices import place_on_slice

        chosen = self._selection()
        if chosen.volume is not None and chosen.slice is not None:
            place = world_from_node(chosen.volume) @ [*place_on_slice(result, index), 1.0]
            chosen.slice.JumpSliceByOffsetting(*place[:3])

    def keep_maps(self) -> None:
        """Leaves the shown maps in the scene for good."""
        from medxai.scene.working_result import find_working, release

        chosen = self._selection()
        found = find_working(chosen.volume, chosen.roi) if chosen.volume and chosen.roi else None
        if found is not None:
            release(found)
        if self._port is not None:
            self._port.keep(chosen)

    def ids_of_maps(self) -> tuple[str, ...]:
        """Volumes that are maps of ours."""
        return tuple(node.GetID() for node in self._volumes() if node.GetAttribute(_MAP_ATTRIBUTE))

    def ids_of_own_views(self) -> tuple[str, ...]:
        """Slice views of the side-by-side layout."""
        views = nodes_of_class(self._scene, "vtkMRMLSliceNode")
        return tuple(view.GetID() for view in views if self.is_own_view(view))

    def is_own_view(self, view: "slicer.vtkMRMLSliceNode") -> bool:
        """Whether a view belongs to the side-by-side layout."""
        return (view.GetSingletonTag() or "").startswith(_OWN_VIEW_PREFIX)

    @property
    def _real(self) -> "PanelScene":
        if self._port is None:
            from .panel_scene import PanelScene

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
        return nodes_of_class(self._scene, "vtkMRMLScalarVolumeNode")

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
