"""The panel: holds its parts together; made and closed with Slicer's module."""

import time
from collections.abc import Callable
from typing import Any

import qt
import slicer

from ..session.choices import MethodChoices
from ..session.controller import Controller
from ..session.shared_engine import SharedEngine
from ..session.snapshot import RegionBox
from ..session.state import State
from ..session.tasks import Tasks
from . import installing
from .connections import Connections
from .display import Display
from .drawing import Drawing
from .map_list import MapList
from .organ_list import OrganList
from .parameter_binding import ParameterBinding
from .parameter_node import AS_SHOWN, MedXAIParameterNode, method_of, view_of
from .preferences import Preferences
from .region_look import RegionHandles
from .scene_access import SceneAccess
from .scene_events import SceneEvents
from .shortcuts import Shortcuts
from .side_by_side_views import SideBySideViews
from .time_for_worker import TimeForWorker
from .user_actions import UserActions
from .watching import Watch

#: The parts that can be folded away. The model's part starts folded where a model is ready, since its heading names it.
_PARTS = ("caseSection", "modelSection", "methodSection", "resultSection", "settingsSection")
#: How long only Qt works between two ticks, in milliseconds.
TICK_MS = 10
#: How long closing waits for the worker, in seconds; what it is at ends within a block of the encoder anyway.
_CLOSING_S = 0.02


class Panel:
    """Everything between the widgets and the session; one for each module widget.

    Args:
        ui: The widgets by name.
        get_parameters: The scene's parameter node, made where it is missing.
        resource: The path of a file under Resources.
        engine: Shared with the console.
        preferences: Of the user; the application's settings where none are given.
    """

    def __init__(
        self,
        ui: Any,
        get_parameters: Callable[[], MedXAIParameterNode],
        resource: Callable[[str], str],
        engine: SharedEngine,
        preferences: Preferences | None = None,
    ):
        self._ui = ui
        self._get_parameters = get_parameters
        self._preferences = preferences or Preferences()
        self._engine = engine
        self._is_entered = False
        engine.folder = self._preferences.model_folder
        engine.set_budget(self._preferences.budget_mb << 20)

        self._connections = Connections()
        self._parameters = ParameterBinding(ui, self._parameters_changed)
        self._access = SceneAccess(slicer.mrmlScene, self._parameters.selection)
        self._controller = Controller(self._access, Tasks(engine))
        self._display = Display(ui, installing.encoders_on_offer(), resource)
        self._maps = MapList(ui, self._connections, lambda key: self._parameters.choose("map", key))
        self._organs = OrganList(ui, self._connections, self._mark_region, self._choose_organ)
        shared = (ui, self._connections, self._parameters, self._controller, self._access, self._preferences)
        self._drawing = Drawing(*shared)
        self._actions = UserActions(*shared, resource, self._preferences_changed)
        self._sides = SideBySideViews(self._parameters)
        self._handles = RegionHandles(
            slicer.mrmlScene,
            lambda: self._parameters.selection().roi,
            lambda: self._controller.state.result is not None,
        )
        self._shortcuts = Shortcuts(ui, self._connections, self.keys())
        self._chosen_nodes = Watch(self._chosen_node_changed)
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._worker_time = TimeForWorker(time.monotonic)
        self._connections.connect(self._timer, "timeout()", self._tick)
        self._events = SceneEvents(
            self._parameters,
            self._controller,
            self._access,
            self._drawing,
            self._sides,
            self._take_parameters,
            self._nodes_changed,
        )
        self._controller.observe(self._state_changed)
        self._fold(self._preferences.folded_parts)
        self._show_settings()
        self._controller.models.refresh()
        self._show(self._controller.state)

    @property
    def controller(self) -> Controller:
        """The session behind the panel."""
        return self._controller

    @property
    def parameters(self) -> MedXAIParameterNode | None:
        """The scene's choices; None while there is no scene, or the module was never entered."""
        return self._parameters.now

    @property
    def drawing(self) -> Drawing:
        """The box and how it is drawn."""
        return self._drawing

    # The module's life.

    def enter(self) -> None:
        """The user opens the module."""
        self._is_entered = True
        if not self._controller.state.started and not self._controller.state.running:
            self._controller.start()
        self._take_parameters()
        self._handles.follow_mouse(True)
        self._shortcuts.set_enabled(True)
        self._sides.follow()

    def exit(self) -> None:
        """The user goes to another module: work under way goes on, but nothing follows the mouse any more."""
        self._is_entered = False
        self._drawing.stop()
        self._handles.follow_mouse(False)
        self._shortcuts.set_enabled(False)
        self._controller.choose_live(False)
        self._controller.choose_look_ahead(False)

    def close(self) -> None:
        """The module is reloaded or Slicer quits: lets go of widgets, scene, model and encodings.

        The worker stops within a block of the encoder.
        """
        self._preferences.folded_parts = tuple(name for name in _PARTS if getattr(self._ui, name).collapsed)
        self._timer.stop()
        self._shortcuts.set_enabled(False)
        self._drawing.close()
        self._sides.close()
        self._handles.stop()
        self._events.close()
        self._parameters.bind(None)
        self._chosen_nodes.stop()
        self._connections.end()
        self._controller.close(_CLOSING_S)
        self._engine.free()
        self._access.forget()

    # What follows from the user's choices.

    def keys(self) -> dict[str, Callable[[], None]]:
        """What each of the panel's keys does, by the names in `shortcuts.KEYS`."""

        def step(slider: Any, by: int) -> None:
            if slider.enabled:
                slider.value = slider.value + by

        return {
            "next_map": lambda: self._maps.step(1),
            "map_before": lambda: self._maps.step(-1),
            "next_layer": lambda: step(self._ui.layerSlider, 1),
            "layer_before": lambda: step(self._ui.layerSlider, -1),
            "next_slice": lambda: self._access.scroll(1),
            "slice_before": lambda: self._access.scroll(-1),
            "map_on_and_off": self._ui.overlayCheck.click,
            "undo": self._drawing.undo,
        }

    def _fold(self, names: tuple[str, ...] | None) -> None:
        for name in _PARTS if names is not None else ():
            getattr(self._ui, name).collapsed = name in names

    def _preferences_changed(self) -> None:
        self._show_settings()
        self._parameters_changed()

    def _take_parameters(self) -> None:
        """Binds the scene's parameter node, and shows it, where the module is open."""
        if not self._is_entered or slicer.mrmlScene.IsClosing():
            return
        parameters = self._get_parameters()
        self._hide_own_nodes()
        self._access.choose_defaults(parameters)
        self._parameters.bind(parameters)

    def _parameters_changed(self) -> None:
        parameters = self._parameters.now
        if parameters is None:
            return
        self._display.show_lists(parameters.window, parameters.modality, parameters.preset)
        self._follow_nodes()
        self._controller.choose_method(self._method())
        self._controller.choose_view(view_of(parameters))
        self._controller.choose_live(parameters.live and self._is_entered)
        self._controller.choose_look_ahead(self._preferences.look_ahead and self._is_entered)
        self._drawing.notice()
        self._handles.update()
        self._scene_changed()

    def _mark_region(self, region: RegionBox, is_on: bool) -> None:
        self._access.mark(region, is_on)
        self._scene_changed()

    def _choose_organ(self, region: RegionBox, organ: str) -> None:
        self._access.choose_organ(region, organ, "" if organ else self._drawing.new_name())
        self._scene_changed()

    def _method(self) -> MethodChoices:
        return method_of(self._parameters.now, self._preferences.device, self._preferences.encoder)

    # What follows from the scene.

    def _scene_changed(self) -> None:
        self._controller.scene_changed()
        self._wake()

    def _follow_nodes(self) -> None:
        chosen = self._parameters.selection()
        is_as_shown = chosen.volume is not None and self._parameters.now.window == AS_SHOWN
        display = chosen.volume.GetDisplayNode() if is_as_shown else None
        others = [region for region in self._access.regions() if region is not chosen.roi]
        self._chosen_nodes.follow([chosen.volume, display, chosen.roi, chosen.slice, *others])
        self._sides.follow()

    def _chosen_node_changed(self) -> None:
        if self._parameters.now is not None and self._parameters.now.window == AS_SHOWN:
            self._controller.choose_method(self._method())
        self._drawing.notice()
        self._scene_changed()

    def _nodes_changed(self) -> None:
        """Nodes have come or gone."""
        if self._parameters.now is None:
            self._chosen_nodes.stop()
        else:
            self._hide_own_nodes()
            self._access.choose_defaults(self._parameters.now)
            self._follow_nodes()
            self._drawing.notice()
        self._scene_changed()

    def _hide_own_nodes(self) -> None:
        """Maps are no volumes to be explained, and our side-by-side views no views to draw in."""
        for selector, ids in (
            (self._ui.volumeSelector, self._access.ids_of_maps()),
            (self._ui.viewSelector, self._access.ids_of_own_views()),
        ):
            model = selector.sortFilterProxyModel()
            if tuple(model.hiddenNodeIDs) != ids:
                model.hiddenNodeIDs = list(ids)

    # What follows from the session.

    def _wake(self) -> None:
        if self._controller.wants_ticks and not self._timer.active:
            self._worker_time.begin()
            self._timer.start()

    def _tick(self) -> None:
        if self._controller.jobs.is_working:
            self._controller.jobs.give_time(self._worker_time.limit_s)
        self._controller.tick()
        state = self._controller.state
        if state.is_busy:
            self._display.show_work(state, self._controller.jobs.elapsed_seconds, self._access.maps(state))
        if not self._controller.wants_ticks:
            self._timer.stop()
        self._worker_time.begin()

    def _state_changed(self, state: State, before: State) -> None:
        if state.models != before.models and self._parameters.now is not None and not self._parameters.now.model:
            self._controller.choose_method(self._method())
            state = self._controller.state
        if state.started and not before.started and self._preferences.folded_parts is None and state.model is not None:
            self._ui.modelSection.collapsed = state.model.is_here
        if (state.result is None) != (before.result is None):
            self._handles.update()
        self._show(state)
        if before.running and not state.running:
            self._show_settings()
        self._wake()

    def _show(self, state: State) -> None:
        maps = self._access.maps(state)
        self._display.show(state, self._controller.jobs.elapsed_seconds, maps)
        self._maps.show(state, maps.can_be_looked_at)
        self._organs.show(state)

    def _show_settings(self) -> None:
        self._display.show_settings(self._preferences, self._engine.held_bytes)
