"""What happens in the scene, handed on to the parts of the panel that it concerns."""

from collections.abc import Callable

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from ..session.controller import Controller
from .drawing import Drawing
from .parameter_binding import ParameterBinding
from .scene_access import SceneAccess
from .side_by_side_views import SideBySideViews


class SceneEvents(VTKObservationMixin):
    """Observes the scene as long as the panel lives.

    Args:
        parameters: The scene's choices.
        controller: Of the session.
        access: The scene.
        drawing: The box.
        sides: The stages beside each other.
        take_parameters: Binds the scene's parameter node where the module is open.
        nodes_changed: Called when nodes have come or gone.
    """

    def __init__(
        self,
        parameters: ParameterBinding,
        controller: Controller,
        access: SceneAccess,
        drawing: Drawing,
        sides: SideBySideViews,
        take_parameters: Callable[[], None],
        nodes_changed: Callable[[], None],
    ):
        VTKObservationMixin.__init__(self)
        self._parameters = parameters
        self._controller = controller
        self._access = access
        self._drawing = drawing
        self._sides = sides
        self._take_parameters = take_parameters
        self._nodes_changed = nodes_changed
        scene = slicer.mrmlScene
        for event, slot in (
            (scene.StartCloseEvent, self._closes),
            (scene.EndCloseEvent, self._closed),
            (scene.EndImportEvent, self._imported),
            (scene.NodeAddedEvent, self._changed),
            (scene.EndBatchProcessEvent, self._changed),
            (scene.NodeRemovedEvent, self._removed),
        ):
            self.addObserver(scene, event, slot)
        # Slicer's node selectors take in what was imported only when the event loop runs again.
        self._after_import = qt.QTimer()
        self._after_import.setSingleShot(True)
        self._after_import.setInterval(0)
        self._after_import.connect("timeout()", take_parameters)

    def close(self) -> None:
        """Lets go of the scene."""
        self._after_import.stop()
        self._after_import.disconnect("timeout()", self._take_parameters)
        self.removeObservers()

    def _closes(self, _caller: object, _event: str) -> None:
        self._drawing.forget()
        self._sides.scene_closes()
        self._parameters.bind(None)
        self._controller.forget()
        self._access.forget()
        self._nodes_changed()

    def _closed(self, _caller: object, _event: str) -> None:
        self._take_parameters()

    def _imported(self, _caller: object, _event: str) -> None:
        self._sides.scene_loaded()
        self._take_parameters()
        self._after_import.start()

    def _changed(self, _caller: object, _event: str) -> None:
        scene = slicer.mrmlScene
        if not (scene.IsBatchProcessing() or scene.IsClosing() or scene.IsImporting()):
            self._nodes_changed()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _removed(self, caller: object, event: str, node: "slicer.vtkMRMLNode") -> None:
        if slicer.mrmlScene.IsClosing():
            return
        state = self._controller.state
        keys = [state.explained, state.followed.key if state.followed is not None else None]
        if any(key is not None and key.origin.volume == node.GetID() for key in keys):
            self._controller.forget()
        self._access.node_removed(node)
        self._changed(caller, event)
