"""The controller's state put into the widgets; nothing is decided or computed here."""

from collections.abc import Callable, Sequence
from typing import Any

from medxai.contour.result import ContourKind
from medxai.maps import STAGE3

from ..session.map_metrics import FollowedMetrics, metrics_of, metrics_of_followed
from ..session.state import Phase, State
from . import wording
from .filling import blocked, fill, select
from .parameter_node import AS_SHOWN, AUTOMATIC
from .preferences import DEVICES, Preferences
from .scene_access import SceneMaps
from .translation import _

#: What can only be used while there are maps.
_LOOKS = (
    "overlayCheck",
    "segmentationCheck",
    "legendCheck",
    "sideCheck",
    "opacitySlider",
    "thresholdSlider",
    "coloursSelector",
)
#: What concerns a map's layer and colours, or the outline in one line: put away while the contour check is looked at.
_FOR_MAPS_ONLY = (
    *(f"{row}Caption" for row in ("layer", "weighting", "opacity", "threshold", "colours", "scale")),
    *("layerSlider", "layerLabel", "weightedCheck", "segmentationCheck"),
    *("opacitySlider", "thresholdSlider", "coloursSelector", "scaleCheck"),
)
#: What a map whose values below 0 mean the opposite has no use for: its colours are given, and clear around 0.
_ONE_SIDED = ("thresholdSlider", "coloursSelector")
_MEGABYTE = 1 << 20


class Display:
    """Writes states into the panel's widgets, and only what has changed.

    Args:
        ui: The widgets by name.
        encoders: The backends that can be chosen here.
        resource: The path of a file under Resources.
    """

    def __init__(self, ui: Any, encoders: Sequence[str], resource: Callable[[str], str]):
        self._ui = ui
        self._resource = resource
        self._last: dict[str, object] = {}
        ui.limitsLabel.text = wording.limits_short()
        ui.limitsDetails.text = wording.limits_whole()
        ui.limitsDetails.visible = False
        self._fill_fixed_lists(encoders)

    def show(self, state: State, elapsed_s: float, maps: SceneMaps) -> None:
        """Brings the whole panel in line with a state.

        Args:
            state: Of the session.
            elapsed_s: Since the work under way began.
            maps: What the scene holds.
        """
        has_maps = maps.can_be_looked_at
        self._set("installFrame", "visible", bool(state.missing))
        if state.missing:
            text = _("MedXAI needs Python packages that are not installed yet: {names}.").format(
                names=wording.packages(state.missing)
            )
            self._set("installLabel", "text", text)
        self._show_models(state)
        facts = state.snapshot.volume.facts if state.snapshot.volume is not None else None
        self._set("modalityLabel", "text", wording.modality_found(facts))
        self._set("methodSection", "text", wording.method_heading(facts))
        self.show_work(state, elapsed_s, maps)
        self._set("mapLabel", "text", wording.map_caption(state.map_info, wording.shows_preview(state)))
        self._show_layers(state)
        self._show_metrics(state)
        self._show_followed(state)
        is_of_slice = state.result is not None and state.shown_followed is None
        self._set("weightedCheck", "enabled", is_of_slice and state.view.map_key == STAGE3.key)
        for name in _LOOKS:
            self._set(name, "enabled", has_maps and not (state.map_info.sign and name in _ONE_SIDED))
        for name in _FOR_MAPS_ONLY:
            self._set(name, "visible", not state.view.is_contour)
        self._set("exportButton", "enabled", state.can_export)
        self._set("dicomCheck", "enabled", state.can_export)
        self._set("exportButton", "toolTip", wording.export_tip(state))
        self._set("keepButton", "enabled", has_maps and not state.is_busy and not wording.shows_preview(state))
        select(self._ui.coloursSelector, state.view.colours)
        self._set("removeButton", "enabled", bool(state.model and state.model.is_downloaded) and not state.is_busy)

    def show_work(self, state: State, elapsed_s: float, maps: SceneMaps) -> None:
        """What is under way, what came of it, or what to do next."""
        self._set("explainButton", "enabled", state.can_explain)
        self._set("explainButton", "toolTip", wording.explain_tip(state))
        self._set("throughButton", "enabled", state.can_follow)
        self._set("throughButton", "toolTip", wording.follow_tip(state))
        self._set("cancelButton", "enabled", state.can_cancel)
        self._set("progressBar", "visible", state.is_busy)
        if state.is_busy:
            self._set("progressBar", "maximum", state.running.total)
            self._set("progressBar", "value", state.running.done)
        text = wording.status(state, elapsed_s)
        if maps.are_saved and state.can_explain:
            text = _("The maps of the saved scene are shown. Press Explain to go through all layers.")
        elif maps.is_deleted and state.phase is Phase.RESULT:
            text = _("▲ This map was deleted from the scene. Press Explain to draw it again.")
        self._set("statusLabel", "text", text)

    def show_settings(self, preferences: Preferences, held_bytes: int) -> None:
        """The preferences, and how much memory the encodings take."""
        folder = preferences.model_folder
        with blocked(self._ui.budgetSpin):
            self._ui.budgetSpin.value = preferences.budget_mb
        self._set("folderButton", "text", wording.folder(folder))
        self._set("folderButton", "toolTip", wording.folder_tip(folder))
        self._set(
            "memoryLabel", "text", _("Encoded slices hold {size} MB now.").format(size=round(held_bytes / _MEGABYTE))
        )
        select(self._ui.deviceSelector, preferences.device)
        select(self._ui.encoderSelector, preferences.encoder)
        self._set("aheadCheck", "checked", preferences.look_ahead)
        self._set("encoderLabel", "text", wording.encoder_effect(preferences.encoder))

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
        modalities = {AUTOMATIC: _("Automatic")} | {name: wording.modality(name) for name in ("CT", "MR", "picture")}
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
            fill(ui.modelSelector, {model.name: wording.model_line(model, state.models) for model in state.models})
        select(ui.modelSelector, state.method.model)
        model = state.model
        offered = state.offered_model
        self._set("offerButton", "visible", offered is not None)
        self._set("offerButton", "enabled", not state.is_busy and not state.is_starting)
        self._set("offerButton", "text", wording.offer(offered) if offered is not None else "")
        self._set("modelSelector", "toolTip", wording.model_tip(model))
        self._set("modelSelector", "enabled", bool(state.models))
        self._set("weightsLabel", "text", wording.weights(model))
        self._set("modelSection", "text", wording.model_heading(model))
        self._set("downloadButton", "visible", bool(model and not model.is_here and model.can_download))
        self._set("downloadButton", "enabled", not state.is_busy and not state.is_starting)
        self._set("expectationLabel", "text", wording.expectation(state, state.method.device))

    def _show_followed(self, state: State) -> None:
        text = wording.followed(state)
        self._set("throughLabel", "text", text)
        self._set("throughLabel", "visible", bool(text))
        self._set("alarmButton", "visible", state.followed is not None and bool(state.followed.result.alarms))

    def _show_layers(self, state: State) -> None:
        slider, result = self._ui.layerSlider, state.result if state.shown_followed is None else None
        names = state.view.layers(result) if result is not None else ()
        for widget in ("layerSlider", "scaleCheck"):
            self._set(widget, "enabled", len(names) > 1)
        if not names:
            text = _("one map only") if result is not None else ""
            if state.shown_followed is not None:
                text = wording.followed_layer(self._followed_metrics(state))
            self._set("layerLabel", "text", text)
            return
        index = names.index(state.view.map_id(result).layer)
        with blocked(slider):
            slider.setRange(0, len(names) - 1)
            slider.value = index
        self._set(
            "layerLabel",
            "text",
            _("{layer} ({index} of {count})").format(layer=names[index], index=index + 1, count=len(names)),
        )

    def _show_metrics(self, state: State) -> None:
        image = state.snapshot.image
        shown = (id(state.shown_followed), None if image is None else image.index) if state.shown_followed else None
        key = (id(state.result), state.view.map_key, state.view.layer, state.view.weighted, shown)
        if self._last.get("metrics") == key:
            return
        self._last["metrics"] = key
        if state.shown_followed is not None:
            self._say(wording.followed_metrics(self._followed_metrics(state)), "", state.shown_followed.result.warnings)
            return
        result, shows_contour = state.result, state.result is not None and state.view.is_contour
        numbers = metrics_of(result, state.view) if result is not None and state.view.is_in(result) else None
        figures = wording.contour(result) if shows_contour else wording.metrics(numbers) if numbers else ""
        legend = wording.contour_legend(result, self._line_picture) if shows_contour else ""
        self._say(figures, legend, result.warnings if shows_contour or numbers else ())

    def _say(self, figures: str, legend: str, warnings: Sequence[str]) -> None:
        """What stands below the map: its metrics, the contour check's legend, and the warnings."""
        self._set("figuresLabel", "text", figures)
        self._set("contourLabel", "text", legend)
        self._set("contourLabel", "visible", bool(legend))
        text = wording.warnings(warnings)
        self._set("warningsLabel", "text", text)
        self._set("warningsLabel", "visible", bool(text))

    @staticmethod
    def _followed_metrics(state: State) -> FollowedMetrics:
        image = state.snapshot.image
        followed = state.shown_followed.result
        is_same_plane = image is not None and image.plane == followed.request.on_slice.image.plane
        return metrics_of_followed(followed, state.view.map_key, image.index if is_same_plane else None)

    def _line_picture(self, kind: ContourKind) -> str:
        return self._resource(f"Icons/contour_{kind.name.lower()}.png")

    def _set(self, widget: str, name: str, value: object) -> None:
        key = f"{widget}.{name}"
        if self._last.get(key, self) != value:
            self._last[key] = value
            target = getattr(self._ui, widget)
            with blocked(target):
                setattr(target, name, value)
