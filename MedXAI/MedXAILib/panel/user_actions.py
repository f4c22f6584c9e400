"""What a user does with the buttons and lists, handed on to the session, the scene's choices and the preferences."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer

from ..session.controller import Controller
from . import installing
from .connections import Connections
from .parameter_binding import ParameterBinding
from .preferences import Preferences
from .scene_access import SceneAccess
from .translation import _


class UserActions:
    """Connects the widgets that need more than a bound parameter.

    Args:
        ui: The widgets by name.
        connections: Of the panel.
        parameters: The scene's choices.
        controller: Of the session.
        access: The scene.
        preferences: Of the user.
        resource: The path of a file under Resources.
        preferences_changed: Called after a preference was changed.
    """

    def __init__(
        self,
        ui: Any,
        connections: Connections,
        parameters: ParameterBinding,
        controller: Controller,
        access: SceneAccess,
        preferences: Preferences,
        resource: Callable[[str], str],
        preferences_changed: Callable[[], None],
    ):
        self._ui = ui
        self._parameters = parameters
        self._controller = controller
        self._access = access
        self._preferences = preferences
        self._resource = resource
        self._preferences_changed = preferences_changed
        self._connect(connections)

    def _connect(self, connections: Connections) -> None:
        ui, models = self._ui, self._controller.models
        for name, slot in {
            "explainButton": lambda _checked: self._controller.explain(),
            "throughButton": lambda _checked: self._controller.follow_through_slices(),
            "alarmButton": lambda _checked: self._go_to_alarm(),
            "cancelButton": lambda _checked: self._controller.cancel(),
            "downloadButton": lambda _checked: models.download(self._controller.state.method.model),
            "offerButton": lambda _checked: self._take_offer(),
            "installButton": lambda _checked: self._install(),
            "fileButton": lambda _checked: self._choose_file(),
            "exportButton": lambda _checked: self._export(),
            "keepButton": lambda _checked: self._keep(),
            "folderButton": lambda _checked: self._choose_folder(),
            "freeButton": lambda _checked: self._free(),
            "removeButton": lambda _checked: self._remove_weights(),
            "aheadCheck": self._choose_look_ahead,
            "limitsButton": self._say_more,
        }.items():
            connections.connect(getattr(ui, name), "clicked(bool)", slot)
        for name, parameter in {
            "modelSelector": "model",
            "windowSelector": "window",
            "modalitySelector": "modality",
            "presetSelector": "preset",
            "coloursSelector": "colours",
        }.items():
            box = getattr(ui, name)
            connections.connect(
                box,
                "activated(int)",
                lambda index, box=box, parameter=parameter: self._parameters.choose(parameter, box.itemData(index)),
            )
        connections.connect(ui.deviceSelector, "activated(int)", self._choose_device)
        connections.connect(ui.encoderSelector, "activated(int)", self._choose_encoder)
        connections.connect(ui.layerSlider, "valueChanged(int)", self._choose_layer)
        connections.connect(ui.budgetSpin, "valueChanged(int)", self._choose_budget)

    def _choose_layer(self, index: int) -> None:
        state = self._controller.state
        if state.result is not None:
            self._parameters.choose("layer", state.view.layers(state.result)[index])

    def _choose_device(self, index: int) -> None:
        self._preferences.device = self._ui.deviceSelector.itemData(index)
        self._preferences_changed()

    def _choose_encoder(self, index: int) -> None:
        encoder = self._ui.encoderSelector.itemData(index)
        if encoder.startswith("openvino") and not installing.has_openvino():
            _complain(installing.install_openvino(self._resource("requirements-openvino.txt")))
        if not encoder.startswith("openvino") or installing.has_openvino():
            self._preferences.encoder = encoder
        self._preferences_changed()

    def _choose_look_ahead(self, is_on: bool) -> None:
        self._preferences.look_ahead = is_on
        self._preferences_changed()

    def _choose_budget(self, megabytes: int) -> None:
        self._preferences.budget_mb = megabytes
        self._controller.models.set_memory_budget(megabytes << 20)
        self._preferences_changed()

    def _choose_file(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose a checkpoint"), "", _("Checkpoints (*.safetensors *.pth *.pt *.bin)")
        )
        if path:
            self._parameters.choose("model", path)

    def _choose_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose the model folder"), str(self._preferences.model_folder or "")
        )
        if folder:
            self._preferences.model_folder = Path(folder)
            self._controller.models.use_folder(Path(folder))
            self._preferences_changed()

    def _take_offer(self) -> None:
        offered = self._controller.state.offered_model
        if offered is not None:
            self._parameters.choose("model", offered.name)
            self._controller.models.download(offered.name)

    def _install(self) -> None:
        _complain(installing.install(self._resource("requirements.txt"), self._controller.state.missing))
        self._controller.start()

    def _export(self) -> None:
        as_dicom = self._ui.dicomCheck.checked
        if as_dicom and not installing.has_dicom_writer():
            _complain(installing.install_dicom_writer(self._resource("requirements-dicom.txt")))
            if not installing.has_dicom_writer():
                return
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose a folder for the files"), self._preferences.export_folder
        )
        if folder:
            self._preferences.export_folder = folder
            self._controller.export(folder, as_dicom)

    def _go_to_alarm(self) -> None:
        """Shows the slice of the next alarm after the shown slice; from the last on the first again."""
        state = self._controller.state
        alarms = sorted(stop.index for stop in state.followed.result.alarms) if state.followed is not None else []
        image = state.snapshot.image
        here = image.index if image is not None and image.index is not None else -1
        if alarms:
            next_one = next((index for index in alarms if index > here), alarms[0])
            self._access.show_slice(state.followed.result, next_one)

    def _keep(self) -> None:
        self._access.keep_maps()
        self._controller.scene_changed()

    def _free(self) -> None:
        self._controller.models.free_memory()
        self._preferences_changed()

    def _remove_weights(self) -> None:
        model = self._controller.state.model
        question = _("Delete the downloaded weights of {title}?").format(title=model.title if model else "")
        if model and slicer.util.confirmOkCancelDisplay(question, _("MedXAI")):
            self._controller.models.remove_weights(model.name)

    def _say_more(self, is_on: bool) -> None:
        self._ui.limitsDetails.visible = is_on


def _complain(problem: str) -> None:
    if problem:
        slicer.util.errorDisplay(problem)
