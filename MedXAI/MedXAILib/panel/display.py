"""The controller's state put into the widgets; nothing is decided or computed here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..session.choices import MapKind
from ..session.figures import figures_of, has_map, layer_names_of, layer_shown
from ..session.state import State
from . import wording
from .parameter_node import AS_SHOWN, AUTOMATIC
from .preferences import DEVICES
from .translation import _

#: The buttons of the maps.
MAP_BUTTONS = {
    MapKind.STAGE1: "stage1Button",
    MapKind.STAGE2: "stage2Button",
    MapKind.STAGE3: "stage3Button",
    MapKind.INTERACTION: "interactionButton",
    MapKind.TERMINAL: "terminalButton",
    MapKind.GRAD_CAM: "gradCamButton",
}
_MEGABYTE = 1 << 20


class Display:
    """Writes states into the panel's widgets, and only what has changed. encoders: those that can be chosen here."""

    def __init__(self, ui: Any, encoders: Sequence[str]):
        self._ui = ui
        self._last: dict[str, object] = {}
        self._map_texts = {kind: getattr(ui, name).text for kind, name in MAP_BUTTONS.items()}
        ui.limitsLabel.text = wording.limits_short()
        ui.limitsDetails.text = wording.limits_whole()
        ui.limitsDetails.visible = False
        self._fill_fixed_lists(encoders)

    def show(self, state: State, elapsed_s: float, has_saved_maps: bool) -> None:
        """Brings the whole panel in line with a state; has_saved_maps: maps of a loaded scene are there."""
        ui, has_maps = self._ui, state.result is not None or (has_saved_maps and state.started)
        self._set("installFrame", "visible", bool(state.missing))
        if state.missing:
            text = _("MedXAI needs Python packages that are not installed yet: {names}.").format(
                names=wording.packages(state.missing)
            )
            self._set("installLabel", "text", text)
        self._show_models(state)
        self._show_work(state, elapsed_s, has_saved_maps)
        for name in ("gradCamButton", "comparisonLabel"):
            self._set(name, "visible", MapKind.GRAD_CAM in state.comparisons)
        for kind, name in MAP_BUTTONS.items():
            self._set(name, "enabled", has_maps and not (kind.is_comparison and wording.shows_preview(state)))
            is_chosen = kind is state.view.kind
            self._set(name, "text", wording.chosen(self._map_texts[kind]) if is_chosen else self._map_texts[kind])
            if is_chosen:
                self._set(name, "checked", True)
        self._set("mapLabel", "text", wording.map_caption(state.view.kind, wording.shows_preview(state)))
        self._show_layers(state)
        self._show_figures(state)
        self._set("weightedCheck", "enabled", state.result is not None and state.view.kind is MapKind.STAGE3)
        for name in (
            "overlayCheck",
            "segmentationCheck",
            "legendCheck",
            "sideCheck",
            "opacitySlider",
            "thresholdSlider",
            "coloursSelector",
        ):
            self._set(name, "enabled", has_maps)
        self._set("exportButton", "enabled", state.can_export)
        self._set("exportButton", "toolTip", wording.export_tip(state))
        self._set("keepButton", "enabled", has_maps and not state.is_busy and not wording.shows_preview(state))
        select(ui.coloursSelector, state.view.colours)
        self._set("removeButton", "enabled", bool(state.model and state.model.is_downloaded) and not state.is_busy)

    def show_elapsed(self, state: State, elapsed_s: float, has_saved_maps: bool) -> None:
        """The time that runs, and nothing else."""
        self._show_work(state, elapsed_s, has_saved_maps)

    def show_settings(
        self, folder: str, budget_mb: int, device: str, encoder: str, look_ahead: bool, held_bytes: int
    ) -> None:
        """The preferences, and how much memory the encodings take."""
        with blocked(self._ui.budgetSpin):
            self._ui.budgetSpin.value = budget_mb
        self._set("folderButton", "text", folder)
        self._set(
            "memoryLabel", "text", _("Encoded slices hold {size} MB now.").format(size=round(held_bytes / _MEGABYTE))
        )
        select(self._ui.deviceSelector, device)
        select(self._ui.encoderSelector, encoder)
        self._set("aheadCheck", "checked", look_ahead)
        self._set("encoderLabel", "text", wording.encoder_effect(encoder))

    def show_lists(self, window: str, modality: str, preset: str) -> None:
        """The choices that a parameter node holds as text."""
        for box, value in (
            (self._ui.windowSelector, window),
            (self._ui.modalitySelector, modality),
            (self._ui.presetSelector, preset),
        ):
            select(box, value)

    def _fill_fixed_lists(self, encoders: Sequence[str]) -> None:
        ui = self._ui
        windows = {
            AUTOMATIC: _("Automatic (as the model was trained)"),
            AS_SHOWN: _("As the view shows it"),
            "abdomen": _("Abdomen (level 40, width 400)"),
            "liver": _("Liver (60, 160)"),
            "mediastinum": _("Mediastinum (50, 350)"),
            "lung": _("Lung (−600, 1500)"),
            "bone": _("Bone (400, 1800)"),
            "brain": _("Brain (40, 80)"),
            "spine": _("Spine (50, 250)"),
        }
        modalities = {AUTOMATIC: _("Automatic"), "CT": _("CT"), "MR": _("MR"), "picture": _("8-bit picture")}
        presets = {"paper": _("From the box's centre (paper)"), "contour": _("From the box's edge (contour)")}
        colours = {"inferno": _("Inferno"), "viridis": _("Viridis"), "cividis": _("Cividis"), "gray": _("Grey")}
        devices = {name: wording.device(name) for name in DEVICES}
        for box, choices in (
            (ui.windowSelector, windows),
            (ui.modalitySelector, modalities),
            (ui.presetSelector, presets),
            (ui.coloursSelector, colours),
            (ui.deviceSelector, devices),
            (ui.encoderSelector, {name: wording.encoder(name) for name in encoders}),
        ):
            fill(box, choices)

    def _show_models(self, state: State) -> None:
        ui = self._ui
        if self._last.get("models") != state.models:
            self._last["models"] = state.models
            fill(ui.modelSelector, {model.name: _model_line(model.title, model.is_here) for model in state.models})
        select(ui.modelSelector, state.method.model)
        model = state.model
        self._set("modelSelector", "enabled", bool(state.models))
        self._set("weightsLabel", "text", wording.weights(model))
        self._set("modelSection", "text", wording.model_heading(model))
        self._set("downloadButton", "visible", bool(model and not model.is_here and model.can_download))
        self._set("downloadButton", "enabled", not state.is_busy and not state.is_starting)
        self._set("expectationLabel", "text", wording.expectation(state, state.method.device))

    def _show_work(self, state: State, elapsed_s: float, has_saved_maps: bool) -> None:
        self._set("explainButton", "enabled", state.can_explain)
        self._set("explainButton", "toolTip", wording.explain_tip(state))
        self._set("cancelButton", "enabled", state.can_cancel)
        self._set("progressBar", "visible", state.is_busy)
        if state.is_busy:
            self._set("progressBar", "maximum", state.running.total)
            self._set("progressBar", "value", state.running.done)
        text = wording.status(state, elapsed_s)
        if has_saved_maps and state.result is None and state.can_explain:
            text = _("The maps of the saved scene are shown. Press Explain to go through all layers.")
        self._set("statusLabel", "text", text)

    def _show_layers(self, state: State) -> None:
        slider, result = self._ui.layerSlider, state.result
        is_layered = result is not None and state.view.kind.stage is not None
        self._set("layerSlider", "enabled", is_layered)
        if not is_layered:
            self._set("layerLabel", "text", _("one map only") if result is not None else "")
            return
        names = layer_names_of(result)
        index = names.index(layer_shown(result, state.view).layer)
        with blocked(slider):
            slider.setRange(0, len(names) - 1)
            slider.value = index
        self._set(
            "layerLabel",
            "text",
            _("{layer} ({index} of {count})").format(layer=names[index], index=index + 1, count=len(names)),
        )

    def _show_figures(self, state: State) -> None:
        key = (id(state.result), state.view.kind, state.view.layer, state.view.weighted)
        if self._last.get("figures") == key:
            return
        self._last["figures"] = key
        is_there = state.result is not None and has_map(state.result, state.view.kind)
        numbers = figures_of(state.result, state.view) if is_there else None
        self._set("figuresLabel", "text", wording.figures(numbers) if numbers else "")
        text = wording.warnings(numbers) if numbers else ""
        self._set("warningsLabel", "text", text)
        self._set("warningsLabel", "visible", bool(text))

    def _set(self, widget: str, name: str, value: object) -> None:
        key = f"{widget}.{name}"
        if self._last.get(key, self) != value:
            self._last[key] = value
            target = getattr(self._ui, widget)
            with blocked(target):
                setattr(target, name, value)


def _model_line(title: str, is_here: bool) -> str:
    return _("✔ {title}").format(title=title) if is_here else _("▼ {title}").format(title=title)


def fill(box: Any, choices: dict[str, str]) -> None:
    """Items with their values as data."""
    with blocked(box):
        box.clear()
        for value, text in choices.items():
            box.addItem(text, value)


def select(box: Any, value: str) -> None:
    """Chooses the item with that value; none where there is no such item."""
    index = box.findData(value)
    if index != box.currentIndex:
        with blocked(box):
            box.currentIndex = index


@contextmanager
def blocked(widget: Any) -> Iterator[None]:
    """No signals while a state is shown: only what the user does may be taken for the user's doing."""
    before = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(before)
