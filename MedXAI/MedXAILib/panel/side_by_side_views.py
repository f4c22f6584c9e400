"""Keeps the side-by-side views right while Slicer and the user change the layout and its views."""

import qt
import slicer

from medxai.scene import side_by_side

from .parameter_binding import ParameterBinding
from .watching import Watch

#: How long Slicer may still change a view that it has just made or shown: queued slots, delayed layouts.
SETTLING_MS = 300


class SideBySideViews:
    """Keeps the views on the explained slice, and the explained slice on what the user scrolls to in them."""

    def __init__(self, parameters: ParameterBinding):
        self._parameters = parameters
        self._scene = slicer.mrmlScene
        self._layout = Watch(self._layout_changed)
        self._views = Watch(self._view_changed)
        self._settling = qt.QTimer()
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLING_MS)
        self._is_busy = False
        self._was_laid_out = False

    def follow(self) -> None:
        """Looks which views and which layout there are."""
        side_by_side.register(self._scene)
        self._layout.follow([self._scene.GetFirstNodeByClass("vtkMRMLLayoutNode")])
        is_laid_out = side_by_side.is_laid_out(self._scene)
        self._views.follow(side_by_side.own_views(self._scene) if is_laid_out else [])
        if is_laid_out and not self._was_laid_out:
            self._settling.start()
        self._was_laid_out = is_laid_out

    def scene_closes(self) -> None:
        """Goes back to the layout before: without maps these views have nothing to show."""
        self._views.stop()
        self._was_laid_out = False
        side_by_side.lay_out(self._scene, False)

    def scene_loaded(self) -> None:
        """Views that were saved come back in places that Slicer then changes."""
        side_by_side.forget_places(self._scene)
        self._was_laid_out = False
        self.follow()

    def close(self) -> None:
        """Lets go of everything."""
        self._settling.stop()
        self._layout.stop()
        self._views.stop()

    def _layout_changed(self) -> None:
        was_laid_out = self._was_laid_out
        self.follow()
        parameters = self._parameters.now
        if was_laid_out and not self._was_laid_out and parameters is not None and parameters.sideBySide:
            parameters.sideBySide = False  # the user has left the layout by Slicer's own means

    def _view_changed(self) -> None:
        explained = self._parameters.selection().slice
        if explained is None or self._is_busy or not side_by_side.is_laid_out(self._scene):
            return
        self._is_busy = True
        try:
            if self._settling.active:
                side_by_side.place_again(explained)
            else:
                side_by_side.follow(explained)
        finally:
            self._is_busy = False
