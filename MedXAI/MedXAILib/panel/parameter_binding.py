"""The scene's parameter node, bound to the widgets."""

from collections.abc import Callable
from typing import Any

import vtk
from slicer.util import VTKObservationMixin

from .parameter_node import MedXAIParameterNode
from .selection import Selection


class ParameterBinding(VTKObservationMixin):
    """Holds the parameter node as long as there is one, and tells when it changes.

    Args:
        ui: The widgets by name.
        on_change: Called after the node has changed, and when another one is bound.
    """

    def __init__(self, ui: Any, on_change: Callable[[], None]):
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._on_change = on_change
        self._gui_tag: int | None = None
        self.now: MedXAIParameterNode | None = None

    def bind(self, parameters: MedXAIParameterNode | None) -> None:
        """Binds a node in the place of the one before; None: none. The widgets show it anew even if it is the same."""
        if self.now is not None:
            self.removeObservers()
            self.now.disconnectGui(self._gui_tag)
        self.now = parameters
        if parameters is None:
            return
        self._gui_tag = parameters.connectGui(self._ui)
        self.addObserver(
            parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, lambda _node, _event: self._on_change()
        )
        self._on_change()

    def choose(self, name: str, value: Any) -> None:
        """Takes over what the user has chosen."""
        if self.now is not None and value is not None:
            setattr(self.now, name, value)

    def selection(self) -> Selection:
        """The chosen nodes as far as they are still there."""
        if self.now is None:
            return Selection(None, None, None)
        return Selection(self.now.volume, self.now.region, self.now.view)
