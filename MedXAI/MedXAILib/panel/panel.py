"""The panel: takes what the user does to the controller and the parameter node, and shows what comes of it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from medxai.errors import MedXAIError

from ..session.choices import MethodChoices
from ..session.controller import Controller
from ..session.figures import layer_names_of
from ..session.state import State
from ..session.workshop import Workshop
from . import installing
from .display import MAP_BUTTONS, Display
from .parameter_node import AS_SHOWN, MedXAIParameterNode, method_of, view_of
from .placing import Placing
from .preferences import Preferences
from .scene_access import SceneAccess
from .translation import _
from .watching import Watch

#: The parts that can be folded away; the model's is at first where a model is ready, since its heading says which.
_PARTS = ("caseSection", "modelSection", "methodSection", "resultSection", "settingsSection")
#: How long Qt has to itself between two ticks, in milliseconds.
TICK_MS = 10
#: Slicer's main thread keeps Python's global lock even while Qt waits for events, so another Python thread gets on well
#: only while the main thread sleeps in Python. So long it sleeps in each tick while the worker has something to do.
YIELD_S = 0.02


class Panel(VTKObservationMixin):
    """Everything between the widgets and the controller; one for each module widget.

    ui: the widgets by name. get_parameters: the scene's parameter node, made where it is missing. resource: the path
    of a file under Resources.
    """

    def __init__(
        self,
        ui: Any,
        get_parameters: Callable[[], MedXAIParameterNode],
        resource: Callable[[str], str],
        preferences: Preferences | None = None,
        workshop: Workshop | None = None,
    ):
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._get_parameters = get_parameters
        self._resource = resource
        self._preferences = preferences or Preferences()
        self._parameters: MedXAIParameterNode | None = None
        self._gui_tag: int | None = None
        self._is_entered = False
        self._region_before_drawing: slicer.vtkMRMLMarkupsROINode | None = None

        scene = slicer.mrmlScene
        self._placing = Placing(scene)
        self._access = SceneAccess(scene, self._selected)
        workshop = workshop or Workshop(self._preferences.model_folder, self._preferences.budget_mb << 20)
        self._controller = Controller(self._access, workshop)
        self._display = Display(ui, installing.encoders_on_offer())
        self._controller.observe(self._state_changed)
        self._chosen_nodes = Watch(self._nodes_changed)
        self._mouse = Watch(self._mouse_changed)
        self._layout = Watch(self._layout_changed)
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._tick)
        self._connect_widgets()
        self._fold(self._preferences.folded_parts)
        self._show_settings()
        self._controller.list_models()
        for event, slot in (
            (scene.StartCloseEvent, self._scene_closes),
            (scene.EndCloseEvent, self._scene_closed),
            (scene.EndImportEvent, self._scene_imported),
            (scene.NodeAddedEvent, self._nodes_come_and_go),
            (scene.NodeRemovedEvent, self._nodes_come_and_go),
            (scene.EndBatchProcessEvent, self._nodes_come_and_go),
        ):
            self.addObserver(scene, event, slot)
        self._show(self._controller.state)

    @property
    def controller(self) -> Controller:
        return self._controller

    # The module's life.

    def enter(self) -> None:
        """The user opens the module."""
        self._is_entered = True
        if not self._controller.state.started and not self._controller.state.running:
            self._controller.start()
        self._take_parameters(self._get_parameters())

    def exit(self) -> None:
        """The user goes to another module: work under way goes on, but nothing follows the mouse any more."""
        self._is_entered = False
        self._placing.stop()
        self._controller.choose_live(False)
        self._controller.choose_look_ahead(False)

    def close(self) -> None:
        """The module is reloaded or Slicer quits: lets go of everything; the worker stops within a block."""
        self._preferences.folded_parts = tuple(name for name in _PARTS if getattr(self._ui, name).collapsed)
        self._timer.stop()
        self._timer.disconnect("timeout()", self._tick)
        self._placing.stop()
        self._take_parameters(None)
        self._mouse.stop()
        self._layout.stop()
        self.removeObservers()
        self._controller.close(YIELD_S)
        self._access.forget()

    # What the user does.

    def _connect_widgets(self) -> None:
        ui = self._ui
        for name, slot in {
            "explainButton": lambda _checked: self._act(self._controller.explain),
            "cancelButton": lambda _checked: self._act(self._controller.cancel),
            "downloadButton": lambda _checked: self._act(
                self._controller.download, self._controller.state.method.model
            ),
            "installButton": lambda _checked: self._install(),
            "addButton": lambda _checked: self._add_region(),
            "drawButton": self._draw,
            "fileButton": lambda _checked: self._choose_file(),
            "exportButton": lambda _checked: self._export(),
            "keepButton": lambda _checked: self._keep(),
            "folderButton": lambda _checked: self._choose_folder(),
            "freeButton": lambda _checked: self._free(),
            "removeButton": lambda _checked: self._remove_weights(),
            "aheadCheck": self._choose_look_ahead,
            "limitsButton": self._say_more,
        }.items():
            getattr(ui, name).connect("clicked(bool)", slot)
        for kind, name in MAP_BUTTONS.items():
            getattr(ui, name).connect("clicked(bool)", lambda _checked, value=kind.value: self._choose("map", value))
        for name, parameter in {
            "modelSelector": "model",
            "windowSelector": "window",
            "modalitySelector": "modality",
            "presetSelector": "preset",
            "coloursSelector": "colours",
        }.items():
            box = getattr(ui, name)
            box.connect(
                "activated(int)",
                lambda index, box=box, parameter=parameter: self._choose(parameter, box.itemData(index)),
            )
        ui.deviceSelector.connect("activated(int)", self._choose_device)
        ui.encoderSelector.connect("activated(int)", self._choose_encoder)
        ui.layerSlider.connect("valueChanged(int)", self._choose_layer)
        ui.budgetSpin.connect("valueChanged(int)", self._choose_budget)

    def _act(self, action: Callable, *arguments: object) -> None:
        action(*arguments)
        self._wake()

    def _choose(self, parameter: str, value: str) -> None:
        if self._parameters is not None and value is not None:
            setattr(self._parameters, parameter, value)

    def _choose_layer(self, index: int) -> None:
        result = self._controller.state.result
        if result is not None:
            self._choose("layer", layer_names_of(result)[index])

    def _choose_device(self, index: int) -> None:
        self._preferences.device = self._ui.deviceSelector.itemData(index)
        self._parameters_changed()

    def _choose_encoder(self, index: int) -> None:
        encoder = self._ui.encoderSelector.itemData(index)
        if encoder.startswith("openvino") and not installing.has_openvino():
            self._complain(installing.install_openvino(self._resource("requirements-openvino.txt")))
        if not encoder.startswith("openvino") or installing.has_openvino():
            self._preferences.encoder = encoder
        self._show_settings()
        self._parameters_changed()

    def _choose_look_ahead(self, is_on: bool) -> None:
        self._preferences.look_ahead = is_on
        self._show_settings()
        self._parameters_changed()

    def _choose_budget(self, megabytes: int) -> None:
        self._preferences.budget_mb = megabytes
        self._controller.set_memory_budget(megabytes << 20)
        self._show_settings()

    def _choose_file(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose a checkpoint"), "", _("Checkpoints (*.safetensors *.pth *.pt *.bin)")
        )
        if path:
            self._choose("model", path)

    def _choose_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(None, _("Choose the model folder"), self._ui.folderButton.text)
        if folder:
            self._preferences.model_folder = Path(folder)
            self._controller.workshop.folder = Path(folder)
            self._controller.list_models()
            self._show_settings()
            self._parameters_changed()

    def _install(self) -> None:
        self._complain(installing.install(self._resource("requirements.txt"), self._controller.state.missing))
        self._act(self._controller.start)

    def _complain(self, problem: str) -> None:
        if problem:
            slicer.util.errorDisplay(problem)

    def _add_region(self) -> None:
        chosen = self._selected()
        if chosen.volume is None or chosen.slice is None:
            self._controller.report_failure(_("Choose a volume and a view first."))
            return
        from .regions import region_in_the_middle

        try:
            self._parameters.region = region_in_the_middle(chosen.volume, chosen.slice, self._region_name())
        except MedXAIError as error:
            self._controller.report_failure(str(error))

    def _draw(self, is_on: bool) -> None:
        if not is_on:
            self._placing.stop()
            return
        if self._parameters is None:
            return
        self._region_before_drawing = self._parameters.region
        self._parameters.region = self._placing.start(self._region_name())
        self._mouse.follow([self._placing.interaction_node])

    def _export(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose a folder for the files"), self._preferences.export_folder
        )
        if folder:
            self._preferences.export_folder = folder
            self._act(self._controller.export, folder)

    def _keep(self) -> None:
        self._access.keep_maps()
        self._act(self._controller.scene_changed)

    def _free(self) -> None:
        self._controller.free_memory()
        self._show_settings()

    def _remove_weights(self) -> None:
        model = self._controller.state.model
        question = _("Delete the downloaded weights of {title}?").format(title=model.title if model else "")
        if model and slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
            self._controller.remove_weights(model.name)

    def _say_more(self, is_on: bool) -> None:
        self._ui.limitsDetails.visible = is_on

    def _fold(self, names: tuple[str, ...] | None) -> None:
        for name in _PARTS if names is not None else ():
            getattr(self._ui, name).collapsed = name in names

    # What happens in the scene.

    def _selected(self) -> Any:
        return self._access.selection_of(self._parameters)

    def _nodes_changed(self) -> None:
        if self._parameters is not None and self._parameters.window == AS_SHOWN:
            self._controller.choose_method(self._method())
        self._act(self._controller.scene_changed)

    def _mouse_changed(self) -> None:
        if self._placing.region is None or self._placing.is_drawing:
            return
        self._mouse.stop()
        view = self._placing.view_under_mouse()
        region = self._placing.finish()
        self._ui.drawButton.checked = False
        if self._parameters is None:
            return
        if region is None:
            before = self._region_before_drawing
            self._parameters.region = before if before is not None and slicer.mrmlScene.IsNodePresent(before) else None
        elif view is not None and not self._access.is_own_view(view):
            self._parameters.view = view
        self._act(self._controller.scene_changed)

    def _layout_changed(self) -> None:
        """The user may leave the side-by-side layout by Slicer's own means."""
        parameters = self._parameters
        if parameters is not None and parameters.sideBySide and self._access.has_left_side_by_side():
            parameters.sideBySide = False

    def _scene_closes(self, _caller: object, _event: str) -> None:
        self._placing.region = None
        self._ui.drawButton.checked = False
        self._take_parameters(None)
        self._act(self._controller.forget)
        self._access.forget()

    def _scene_closed(self, _caller: object, _event: str) -> None:
        if self._is_entered:
            self._take_parameters(self._get_parameters())

    def _scene_imported(self, _caller: object, _event: str) -> None:
        if self._is_entered:
            self._take_parameters(self._get_parameters())

    def _nodes_come_and_go(self, _caller: object, _event: str) -> None:
        scene = slicer.mrmlScene
        if self._parameters is None or scene.IsBatchProcessing() or scene.IsClosing() or scene.IsImporting():
            return
        self._hide_own_nodes()
        self._access.choose_defaults(self._parameters)
        self._follow_nodes()
        self._act(self._controller.scene_changed)

    # Parameters and state.

    def _take_parameters(self, parameters: MedXAIParameterNode | None) -> None:
        before = self._parameters
        if before is not None and before is not parameters:
            self.removeObserver(before.parameterNode, vtk.vtkCommand.ModifiedEvent, self._parameters_changed)
            before.disconnectGui(self._gui_tag)
            self._parameters = self._gui_tag = None
        self._parameters = parameters
        if parameters is None:
            self._chosen_nodes.stop()
            return
        self._hide_own_nodes()
        self._access.choose_defaults(parameters)
        if self._gui_tag is None:
            self._gui_tag = parameters.connectGui(self._ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._parameters_changed)
        self._parameters_changed()

    def _parameters_changed(self, _caller: object = None, _event: str = "") -> None:
        parameters = self._parameters
        if parameters is None:
            return
        self._display.show_lists(parameters.window, parameters.modality, parameters.preset)
        self._follow_nodes()
        self._controller.choose_method(self._method())
        self._controller.choose_view(view_of(parameters))
        self._controller.choose_live(parameters.live and self._is_entered)
        self._controller.choose_look_ahead(self._preferences.look_ahead and self._is_entered)
        self._act(self._controller.scene_changed)

    def _method(self) -> MethodChoices:
        return method_of(self._parameters, self._preferences.device, self._preferences.encoder)

    def _follow_nodes(self) -> None:
        chosen = self._selected()
        display = (
            chosen.volume.GetDisplayNode()
            if chosen.volume is not None and self._parameters.window == AS_SHOWN
            else None
        )
        self._chosen_nodes.follow([chosen.volume, display, chosen.roi, chosen.slice])
        self._layout.follow([slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")])

    def _hide_own_nodes(self) -> None:
        """Maps are no volumes to be explained, and our side-by-side views no views to draw in."""
        for selector, ids in (
            (self._ui.volumeSelector, self._access.ids_of_maps()),
            (self._ui.viewSelector, self._access.ids_of_own_views()),
        ):
            model = selector.sortFilterProxyModel()
            if tuple(model.hiddenNodeIDs) != ids:
                model.hiddenNodeIDs = list(ids)

    def _region_name(self) -> str:
        volume = self._parameters.volume
        name = _("{volume} region").format(volume=volume.GetName()) if volume else _("Region")
        return slicer.mrmlScene.GenerateUniqueName(name)

    def _wake(self) -> None:
        if self._controller.wants_ticks and not self._timer.active:
            self._timer.start()

    def _tick(self) -> None:
        if self._controller.is_working:
            time.sleep(YIELD_S)
        self._controller.tick()
        state = self._controller.state
        if state.is_busy:
            self._display.show_elapsed(state, self._controller.elapsed_seconds, False)
        if not self._controller.wants_ticks:
            self._timer.stop()

    def _state_changed(self, state: State, before: State) -> None:
        if state.models != before.models and self._parameters is not None and not self._parameters.model:
            self._controller.choose_method(self._method())
            state = self._controller.state
        if state.started and not before.started and self._preferences.folded_parts is None and state.model is not None:
            self._ui.modelSection.collapsed = state.model.is_here
        self._show(state)
        if before.running and not state.running:
            self._show_settings()
        self._wake()

    def _show(self, state: State) -> None:
        saved = state.result is None and self._parameters is not None and self._access.has_maps(self._parameters)
        self._display.show(state, self._controller.elapsed_seconds, saved)

    def _show_settings(self) -> None:
        workshop, preferences = self._controller.workshop, self._preferences
        folder = str(preferences.model_folder) if preferences.model_folder else _("the usual place")
        self._display.show_settings(
            folder,
            preferences.budget_mb,
            preferences.device,
            preferences.encoder,
            preferences.look_ahead,
            workshop.held_bytes,
        )
