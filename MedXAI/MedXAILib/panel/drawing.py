"""What a user does with the box: draws it, puts it into the middle, sets its depth, takes a move back."""

import time
from typing import Any

import qt
import slicer

from medxai.errors import MedXAIError
from medxai.scene.regions import set_depth

from ..session.controller import Controller
from .box_history import BoxHistory
from .connections import Connections
from .marked_regions import made_by_panel
from .parameter_binding import ParameterBinding
from .placing import Placing
from .preferences import Preferences
from .regions import region_in_the_middle
from .scene_access import SceneAccess
from .translation import _
from .watching import Watch


class Drawing:
    """The part of the panel that makes and changes the box.

    Args:
        ui: The widgets by name.
        connections: Of the panel.
        parameters: The scene's choices.
        controller: Of the session.
        access: The scene.
        preferences: Of the user.
    """

    def __init__(
        self,
        ui: Any,
        connections: Connections,
        parameters: ParameterBinding,
        controller: Controller,
        access: SceneAccess,
        preferences: Preferences,
    ):
        self._ui = ui
        self._parameters = parameters
        self._controller = controller
        self._access = access
        self._preferences = preferences
        self._scene = slicer.mrmlScene
        self._placing = Placing(self._scene)
        self._mouse = Watch(self._mouse_changed)
        self._history = BoxHistory(time.monotonic)
        self._region_before: slicer.vtkMRMLMarkupsROINode | None = None
        # The button keeps the keyboard until the first click in a view, so the views do not hear Esc.
        self._escape = qt.QShortcut(ui.limitsLabel)
        self._escape.setKey(qt.QKeySequence("Esc"))
        self._escape.enabled = False
        connections.connect(self._escape, "activated()", self.stop)
        connections.connect(ui.drawButton, "clicked(bool)", self._draw)
        connections.connect(ui.addButton, "clicked(bool)", lambda _checked: self._add())
        connections.connect(ui.undoButton, "clicked(bool)", lambda _checked: self.undo())
        ui.depthSpin.value = preferences.depth_slices
        connections.connect(ui.depthSpin, "valueChanged(int)", self._choose_depth)

    @property
    def region(self) -> "slicer.vtkMRMLMarkupsROINode | None":
        """The region that is being drawn."""
        return self._placing.region

    @property
    def is_drawing(self) -> bool:
        """Whether the mouse draws now."""
        return self._placing.is_drawing

    @property
    def interaction_node(self) -> "slicer.vtkMRMLInteractionNode":
        """The node that says whether the mouse draws."""
        return self._placing.interaction_node

    def notice(self) -> None:
        """The chosen box may have moved, or another one was chosen."""
        if not self._placing.is_drawing:
            self._history.notice(self._parameters.selection().roi)
            self._ui.undoButton.enabled = self._history.can_undo

    def undo(self) -> None:
        """Puts the box back to where it was before its last move."""
        self._history.undo()
        self.notice()

    def stop(self) -> None:
        """Gives the mouse back; what was not finished is gone."""
        self._placing.stop()

    def forget(self) -> None:
        """The scene closes."""
        self._placing.region = None
        self._ended()

    def close(self) -> None:
        """Lets go of everything."""
        self.stop()
        self._mouse.stop()

    def _draw(self, is_on: bool) -> None:
        if not is_on:
            self.stop()
        elif self._parameters.now is not None:
            self._region_before = self._parameters.now.region
            region = self._placing.start(self.new_name())
            made_by_panel(region)
            self._parameters.now.region = region
            self._escape.enabled = True
            self._mouse.follow([self._placing.interaction_node])

    def _mouse_changed(self) -> None:
        if self._placing.region is None or self._placing.is_drawing:
            return
        view = self._placing.view_under_mouse()
        region = self._placing.finish()
        self._ended()
        parameters = self._parameters.now
        if parameters is None:
            return
        if region is None:
            before = self._region_before
            parameters.region = before if before is not None and self._scene.IsNodePresent(before) else None
        else:
            if view is not None and not self._access.is_own_view(view):
                parameters.view = view
            self._apply_depth(region)
        self._controller.scene_changed()

    def _ended(self) -> None:
        self._mouse.stop()
        self._escape.enabled = False
        self._ui.drawButton.checked = False

    def _add(self) -> None:
        chosen = self._parameters.selection()
        if chosen.volume is None or chosen.slice is None:
            self._controller.report_failure(_("Choose a volume and a view first."))
            return
        try:
            region = region_in_the_middle(chosen.volume, chosen.slice, self.new_name(), self._preferences.depth_slices)
        except MedXAIError as error:
            self._controller.report_failure(str(error))
        else:
            made_by_panel(region)
            self._parameters.now.region = region

    def _choose_depth(self, slices: int) -> None:
        self._preferences.depth_slices = slices
        region = self._parameters.selection().roi
        if region is not None:
            self._apply_depth(region)

    def _apply_depth(self, region: "slicer.vtkMRMLMarkupsROINode") -> None:
        chosen = self._parameters.selection()
        is_placed = region.GetControlPointPlacementComplete() and region.GetNumberOfControlPoints() > 0
        if chosen.volume is not None and chosen.slice is not None and is_placed:
            set_depth(region, chosen.volume, chosen.slice, self._preferences.depth_slices)

    def new_name(self) -> str:
        """What a region of no organ is called."""
        volume = self._parameters.now.volume
        name = _("{volume} region").format(volume=volume.GetName()) if volume else _("Region")
        return self._scene.GenerateUniqueName(name)
