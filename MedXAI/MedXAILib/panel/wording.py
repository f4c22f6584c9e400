"""The session's states and metrics in plain words. Everything a user reads comes from here, from the .ui, or from an error."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from medxai.contour.how_tested import how_tested
from medxai.contour.result import ContourCheck, ContourKind
from medxai.diverging_colours import ABOVE, BELOW
from medxai.limits import LIMITS_SHORT, LIMITS_STATEMENT
from medxai.maps import MapInfo
from medxai.models.family import Pace
from medxai.organs_on_slice import OrganExplanation, figures_of_organ, overlaps
from medxai.results import SliceExplanation
from medxai.through_slices.drift_alarm import ALARM_SENTENCE
from medxai.volume.volume import Modality, ModalitySource, ScanFacts

from ..session.map_metrics import FollowedMetrics, MapMetrics
from ..session.model_list import ModelStatus
from ..session.snapshot import ChangedInput, SceneSnapshot
from ..session.state import Activity, Obstacle, Phase, Running, State, Step
from .translation import _

_MEGABYTE = 1_000_000
#: Letters of a region's name that a row of a narrow panel has room for.
_LONGEST_NAME = 16
#: Letters of a path that a button of a narrow panel has room for.
_LONGEST_PATH = 26
#: Modules that are called otherwise than their packages.
_PACKAGES = {"segment_anything": "segment-anything", "skimage": "scikit-image"}


def limits_short() -> str:
    """The statement of the limits in one line."""
    return _(LIMITS_SHORT)


def limits_whole() -> str:
    """The statement of the limits, and what follows from it for reading the maps."""
    return _(
        "{statement} The maps compare features of the model's image encoder; bright means alike to what the box holds, to "
        "the segmented organ, or to what the prompt looks at. A plausible map can go with a wrong segmentation, and a wrong-looking map with a right one. "
        "Stage 1 comes from the image encoder alone, whatever the mask looks like. Only the terminal map is fine enough "
        "to speak of boundaries."
    ).format(statement=LIMITS_STATEMENT)


def status(state: State, elapsed_s: float) -> str:
    """The line under the Explain button: what is going on, what came of it, or what to do next."""
    if state.is_busy:
        text = _("Preview shown · {step} · {elapsed}") if shows_preview(state) else _("{step} · {elapsed}")
        return text.format(step=step_of(state), elapsed=seconds(elapsed_s))
    phase = state.phase
    if phase is Phase.FAILED:
        return _("✖ {reason}").format(reason=state.message)
    if phase is Phase.CANCELLED and shows_preview(state):
        return _("■ Cancelled; the preview stays until the full maps are made.") + " " + next_step(state)
    if phase is Phase.CANCELLED and has_slices_kept(state):
        return _("■ Cancelled; the slices that are done stay. Press Through the slices to go on.")
    if phase is Phase.CANCELLED:
        return _("■ Cancelled; nothing was changed.") + " " + next_step(state)
    if phase is Phase.STALE:
        return _("▲ {reason}").format(reason=stale_reason(state))
    if phase is Phase.RESULT and shows_preview(state):
        return _("◐ This is a preview at half resolution: press Explain for the full maps.")
    if phase is Phase.RESULT:
        text = _("✔ Written to {folder}.").format(folder=state.message) if state.message else _("✔ Explained.")
        activity = state.running.activity if state.running is not None else None
        if activity is Activity.COMPARE:
            return _("{text} Computing {name}…").format(text=text, name=_(state.map_info.title))
        if activity is Activity.CHECK:
            return _("{text} Trying moved boxes…").format(text=text)
        return _("{text} Preparing the slices around it…").format(text=text) if activity is Activity.AHEAD else text
    return next_step(state)


def shows_preview(state: State) -> bool:
    """Whether the maps that are shown are a preview."""
    return state.result is not None and state.result.is_preview


def has_slices_kept(state: State) -> bool:
    """Whether following the organ was cancelled in the middle."""
    return state.followed is not None and not state.followed.result.is_complete


def organ(name: str) -> str:
    """An organ in a list; '' for none."""
    return _(name.capitalize()) if name else _("which organ?")


def organs_heading(snapshot: SceneSnapshot) -> str:
    """The heading of the list of boxes, which says what Explain takes also while it is folded."""
    count, together = len(snapshot.boxes), len(snapshot.together)
    if count < 2:
        return _("Organs: one box on this slice")
    if together == count:
        return _("Organs: {count} boxes, explained together").format(count=count)
    return _("Organs: {together} of {count} boxes together").format(together=together, count=count)


def region_line(name: str, is_chosen: bool) -> str:
    """A region in the list of boxes. An '&' would be a shortcut."""
    text = short_name(name).replace("&", "&&")
    return chosen(text) if is_chosen else text


def short_name(name: str) -> str:
    """Of a long name only the end, since the panel may be narrow."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def organs(state: State) -> str:
    """The figures of the organs that were explained together, as rich text; '' where there are none."""
    shown = state.shown_organs
    if shown is None:
        return ""
    row = _("<tr><td>{colour}&nbsp;{name}&nbsp;&nbsp;</td><td>{area}&nbsp;&nbsp;</td><td>{soft}</td></tr>")
    rows = [row.format(**_organ_cells(one)) for one in shown.organs]
    lines = list(overlaps(shown.organs))
    empty = [one.organ.name for one in shown.organs if one.explanation.presence.is_told is False]
    if empty:
        text = _("No more than a box over nothing would give: {names}.")
        lines.append(text.format(names=", ".join(empty)))
    if state.moved_organs:
        text = _("Moved since: {names}. Press Explain for all, or choose a region to follow its box live.")
        lines.append(text.format(names=", ".join(state.moved_organs)))
    table = "<table>{rows}</table>".format(rows="".join(rows))
    return "<br>".join([table, *(_("▲ {reason}").format(reason=text) for text in lines)])


def _organ_cells(one: OrganExplanation) -> dict[str, str]:
    row = figures_of_organ(one)
    area, soft = row["area_mm2"], row["outline_soft"]
    known = area is not None
    area_text = _("{value}&nbsp;cm²").format(value=number(area / 100)) if known else _("{value}&nbsp;pixels")
    return {
        "colour": _('<span style="color:{colour}">■</span>').format(colour=one.organ.hex_colour),
        "name": escape(short_name(one.organ.name)).replace(" ", "&nbsp;"),
        "area": area_text.format(value=row["area_px"]),
        "soft": "" if soft is None else _("{share}&nbsp;soft").format(share=percent(soft).replace(" ", "&nbsp;")),
    }


def followed(state: State) -> str:
    """What came of following the organ, and on which slices a reader has to look; '' where nothing was followed."""
    if state.followed is None:
        return ""
    result = state.followed.result
    first, last = (result.accepted[0].index, result.accepted[-1].index) if result.accepted else (None, None)
    if first is None:
        lines = [_("The model segmented nothing in this box, so there is nothing to follow.")]
    elif result.volume_mm3 is None:
        lines = [_("Slices {first} to {last}.").format(first=first, last=last)]
    else:
        text = _("Slices {first} to {last}: {volume} ml.")
        lines = [text.format(first=first, last=last, volume=number(result.volume_mm3 / 1000))]
    for stop in result.stops:
        lines.append((_("▲ {reason}") if stop.reason.is_alarm else "{reason}").format(reason=stop.sentence))
    return "\n".join([*lines, _(ALARM_SENTENCE)])


def followed_layer(numbers: FollowedMetrics) -> str:
    """Beside the slider of layers, which an organ through the slices has no use for."""
    return _("{layer}, all slices").format(layer=numbers.layer) if numbers.layer else _("all slices")


def followed_metrics(numbers: FollowedMetrics) -> str:
    """The metrics of a followed organ's map on the shown slice, as rich text."""
    one = numbers.one
    if one is None:
        return _("The organ was not followed to the slice that is shown.")
    area = (
        _("{value} pixels").format(value=one.area_px)
        if numbers.area_mm2 is None
        else _("{value} cm²").format(value=number(numbers.area_mm2 / 100))
    )
    text = _("Slice {index}: a mask of {area}, {soft} of its outline soft.")
    lines = [text.format(index=one.index, area=area, soft=percent(one.soft_share))]
    if one.is_alarm:
        lines.append(
            _("▲ An alarm: this mask and this map are no part of the volumes ({reason}).").format(
                reason=one.verdict.reason
            )
        )
    elif numbers.share_inside is not None:
        text = _(
            "<b>{inside}</b> of this map on this slice lies inside the mask; a map without any preference would have {chance} there."
        )
        lines.append(text.format(inside=percent(numbers.share_inside), chance=percent(numbers.by_chance)))
    return "<br>".join(lines)


def follow_tip(state: State) -> str:
    """What the button Through the slices does, or why it cannot."""
    if state.can_explain and not state.can_follow:
        return _(
            "The view is oblique to the volume, so there are no slices to go through; rotate it to the volume plane."
        )
    if not state.can_follow:
        return explain_tip(state)
    depth = state.snapshot.slices
    how_far = (
        _("as far as it goes")
        if depth is None
        else _("through the slices {0} to {1} that the box reaches").format(*depth)
    )
    return _(
        "Follow the organ from this box in both directions, {how_far}. Press again after moving the box on another slice: "
        "what lies between is done anew, the rest is kept."
    ).format(how_far=how_far)


def step_of(state: State) -> str:
    """What the worker is at."""
    running = state.running
    if running.activity is Activity.FOLLOW:
        return _following(running)
    if running.step is Step.ENCODING and running.total:
        if running.done >= running.total - 1:
            return _("Explaining the box")
        return _("Looking at the slice: block {done} of {total}").format(done=running.done, total=running.total - 1)
    if running.step is Step.PREVIEWING:
        return _("Making a preview: block {done} of {total}").format(done=running.done, total=running.total - 1)
    if running.step is Step.DOWNLOADING and running.total:
        return _("Downloading: {done} of {total} MB").format(
            done=running.done // _MEGABYTE, total=running.total // _MEGABYTE
        )
    if running.step is Step.DOWNLOADING:
        return _("Downloading: {done} MB").format(done=running.done // _MEGABYTE)
    if running.activity is Activity.EXPORT:
        return _("Writing the files")
    return {
        Step.STARTING: _("Starting"),
        Step.LOADING: _("Loading the model"),
        Step.PREPARING: _("Preparing the slice"),
        Step.ENCODING: _("Looking at the slice"),
    }.get(running.step, _("Working"))


def _following(running: Running) -> str:
    if not running.total:
        return _("Following the organ")
    text = _("Slice {done} of at most {total}").format(done=running.done, total=running.total)
    if running.seconds_left is None:
        return text
    return _("{text}, at most {left} left").format(text=text, left=seconds(running.seconds_left))


def progress(step: Step, done: int, total: int) -> str:
    """How far the console's work is, for the status bar."""
    what = {
        Step.LOADING: _("loading the model"),
        Step.PREPARING: _("preparing the slice"),
        Step.ENCODING: _("looking at the slice"),
        Step.FOLLOWING: _("following the organ, slice"),
    }.get(step, _("working"))
    if not total:
        return _("MedXAI: {what}…").format(what=what)
    return _("MedXAI: {what}, {done} of {total}").format(what=what, done=done, total=total)


def progress_end() -> str:
    """The console's work has ended."""
    return _("MedXAI: finished")


def packages(modules: Sequence[str]) -> str:
    """The packages that bring the modules, by the names under which they are installed."""
    return ", ".join(_PACKAGES.get(module, module) for module in modules)


def next_step(state: State) -> str:
    """What the user has to do before Explain works; the invitation to press it where nothing lacks."""
    obstacle = state.obstacles[0] if state.obstacles else None
    if obstacle is None:
        return _("Ready: press Explain.")
    if obstacle is Obstacle.UNUSABLE:
        return _("▲ {reason}").format(reason=state.snapshot.reason)
    return {
        Obstacle.STARTING: _("Starting…"),
        Obstacle.PACKAGES: _("Some Python packages are missing: {names}.").format(names=packages(state.missing)),
        Obstacle.VOLUME: _(
            "Load a CT or MR volume, or take the phantom from the Sample Data module, and choose it above."
        ),
        Obstacle.REGION: _("Draw a box around the organ."),
        Obstacle.WEIGHTS: _(
            "The weights of this model are not on this computer yet: download them, or choose another model."
        ),
    }[obstacle]


def stale_reason(state: State) -> str:
    """Why the shown maps no longer fit, and what to do about it."""
    what = {
        ChangedInput.VOLUME: _("the volume"),
        ChangedInput.SLICE: _("the slice"),
        ChangedInput.WINDOW: _("the window"),
        ChangedInput.MODEL: _("the model"),
        ChangedInput.ENCODER: _("the way the encoder is computed"),
        ChangedInput.METHOD: _("the way the maps are made"),
        ChangedInput.BOX: _("the box"),
    }
    changed = _(" and ").join(what[aspect] for aspect in state.stale)
    text = _("The maps are older than {what}.").format(what=changed)
    return (
        text + " " + (_("Press Explain to renew them.") if state.can_explain else next_step(state).removeprefix("▲ "))
    )


def explain_tip(state: State) -> str:
    """Why the Explain button is as it is."""
    if state.can_explain:
        together = len(state.snapshot.together)
        if together > 1:
            text = _(
                "Segment what is in the {count} marked boxes, a segment each, and show the maps of the chosen one."
            )
            return text.format(count=together)
        return _("Segment what is in the box and show, stage by stage, what the model compared.")
    return _("Wait until the work under way is done, or cancel it.") if state.is_busy else next_step(state)


def modality(name: str) -> str:
    """A modality's name."""
    return {
        Modality.CT: _("CT"),
        Modality.MR: _("MR"),
        Modality.PICTURE: _("8-bit picture"),
        Modality.OTHER: _("another kind, treated as MR"),
    }[Modality(name)]


def modality_found(facts: ScanFacts | None) -> str:
    """Which modality a volume is taken for, and how that was found."""
    if facts is None:
        return ""
    found = {
        ModalitySource.GIVEN: _("✔ Taken as {kind}, as you chose."),
        ModalitySource.FILE: _("✔ Taken as {kind}, as the file says."),
        ModalitySource.SCENE: _("✔ Taken as {kind}, as the scene says."),
        ModalitySource.MADE: _("✔ Taken as {kind}, as this volume was made."),
        ModalitySource.GUESSED: _("▲ Taken as {kind}: guessed from the values. If this is wrong, choose the modality."),
    }[facts.modality_source]
    return found.format(kind=modality(facts.modality))


def method_heading(facts: ScanFacts | None) -> str:
    """The heading of the part that says how maps are made: the modality is read there also while the part is folded."""
    if facts is None:
        return _("How the maps are made")
    is_guess = facts.modality_source is ModalitySource.GUESSED
    text = _("How the maps are made: {kind}, guessed ▲") if is_guess else _("How the maps are made: {kind}")
    return text.format(kind=modality(facts.modality))


def model_heading(model: ModelStatus | None) -> str:
    """The heading of the model's part, which says the choice also while it is folded."""
    if model is None:
        return _("Model")
    return _("Model: {title} {sign}").format(title=model.title.partition(" (")[0], sign="✔" if model.is_here else "▼")


def model_line(model: ModelStatus, others: Sequence[ModelStatus] = ()) -> str:
    """A model in the list, short enough for a narrow panel; the whole title is the list's tooltip.

    Args:
        model: Of which it is.
        others: All models of the list: one that would be called like one before it is told by what is in brackets.
    """
    short, _bracket, kind = model.title.partition(" (")
    before = others[: others.index(model)] if model in others else ()
    if any(other.title.partition(" (")[0] == short for other in before):
        short = f"{short.partition(' ')[0]}, {' '.join(kind.rstrip(')').split()[:2])}"
    return _("{sign} {title}").format(sign="✔" if model.is_here else "▼", title=short)


def model_tip(model: ModelStatus | None) -> str:
    """The chosen model's whole title."""
    text = _("The model that segments and is explained.")
    return _("{text} Now: {title}").format(text=text, title=model.title) if model is not None else text


def offer(model: ModelStatus) -> str:
    """The button that fetches the real model."""
    size = model.size_bytes // _MEGABYTE
    return _("▼ Get {title} ({size} MB)").format(title=model.title.partition(" (")[0], size=size)


def weights(model: ModelStatus | None) -> str:
    """Where a model's weights are."""
    if model is None:
        return _("Unknown model.")
    if model.is_here and model.is_downloaded:
        return _("✔ Ready, in the model folder.")
    if model.is_here and model.name == str(model.path):
        return _("✔ Ready, your own file.")
    if model.is_here:
        return _("✔ Ready, comes with MedXAI.")
    if model.can_download and model.size_bytes:
        return _("▼ {size} MB to download.").format(size=model.size_bytes // _MEGABYTE)
    if model.can_download:
        return _("▼ To be downloaded.")
    return _("✖ The file {path} is not there.").format(path=model.path)


def expectation(state: State, device: str) -> str:
    """How long a new slice will take, measured where it has been, else by the kind of model."""
    measured = state.seconds_for_new_slice
    if measured is not None:
        text = _("A new slice took {seconds} last time; further boxes on it are quick.")
        return text.format(seconds=seconds(measured))
    if device in ("cuda", "mps"):
        return _("A graphics processor needs about a second for a new slice.")
    pace = state.model.pace if state.model else None
    return {
        Pace.INSTANT: _("On a CPU: at once."),
        Pace.SECONDS: _("On a CPU: some ten seconds for a new slice, then less than a second for each box on it."),
        Pace.HALF_MINUTE: _("On a CPU: about half a minute for a new slice, then about a second for each box on it."),
        Pace.MINUTES: _("On a CPU: a minute or more for a new slice; a graphics processor is better."),
        None: _("How long a slice takes shows with the first one."),
    }[pace]


def device(name: str) -> str:
    """A device's name in the list."""
    return {
        "auto": _("Automatic"),
        "cpu": _("CPU"),
        "cuda": _("NVIDIA graphics processor (CUDA)"),
        "mps": _("Apple graphics processor (MPS)"),
    }[name]


def encoder(name: str) -> str:
    """A backend's name in the list."""
    return {
        "exact": _("Exact"),
        "fast": _("Fast, rounded numbers"),
        "openvino": _("OpenVINO"),
        "openvino-fast": _("OpenVINO, rounded numbers"),
    }[name]


def encoder_effect(name: str) -> str:
    """What a backend does to the result (Resources/benchmarks/effects.md)."""
    return {
        "exact": _("The model's own arithmetic; the other backends are compared with it."),
        "fast": _(
            "Numbers of 16 bits, where the processor is faster with them. The outline may move by a pixel here and there; "
            "the maps hardly change."
        ),
        "openvino": _("Intel's runtime. Outline and maps as with Exact. Keeps about 370 MB a model on disk."),
        "openvino-fast": _(
            "Intel's runtime with numbers of 16 bits: changes the result as Fast does. Keeps files on disk too."
        ),
    }[name]


def chosen(text: str) -> str:
    """The text of the chosen map's button; in dark styles a pressed button hardly differs from the others."""
    return _("● {text}").format(text=text)


def map_caption(info: MapInfo, is_preview: bool) -> str:
    """The chosen map's name and what it shows, as rich text."""
    text = _("<b>{name}, preview at half resolution:</b> {caption}") if is_preview else _("<b>{name}:</b> {caption}")
    text = text.format(name=_(info.title), caption=_(info.sentence))
    if not info.sign:
        return text
    colours = _("Colours: {below} below 0, {above} above; {meaning}.")
    return text + " " + colours.format(below=_(BELOW), above=_(ABOVE), meaning=_(info.sign))


def metrics(numbers: MapMetrics) -> str:
    """The metrics of the shown map, as rich text."""
    lines = []
    if not numbers.informative:
        lines.append(_("This map says nothing here: its values hardly differ, so it is not drawn."))
    elif numbers.share_inside is not None:
        lines.append(
            _(
                "<b>{inside}</b> of this map lies inside the segmented organ; a map without any preference would have {chance} there."
            ).format(inside=percent(numbers.share_inside), chance=percent(numbers.by_chance))
        )
    lines.append(
        _("One cell of this map is {across} × {down} mm; nothing smaller can be read from it.").format(
            across=number(numbers.resolution_mm[0]), down=number(numbers.resolution_mm[1])
        )
    )
    if numbers.narrowing is not None:
        total, model, made = (round(value) for value in numbers.narrowing.points())
        lines.append(
            _(
                "Narrowing from stage 1 at the first layer to stage 3 at the last: {total} = {model} by the model's layers, {made} by how the stages are built."
            ).format(
                total=_("{value} percentage points").format(value=signed(total)),
                model=signed(model),
                made=signed(made),
            )
        )
    if numbers.from_encoder_alone:
        lines.append(_("This map would be the same if the mask were wrong."))
    lines.append(_("Grey values from black to white: {text}.").format(text=numbers.grey_text))
    return "<br>".join(lines)


def warnings(sentences: Sequence[str]) -> str:
    """The warnings, one a line; empty where there are none."""
    return "\n".join("▲ " + text for text in sentences)


def contour_legend(result: SliceExplanation, picture: Callable[[ContourKind], str]) -> str:
    """The kinds of outline with their lines and shares, as rich text.

    Args:
        result: Whose outline is shown.
        picture: The path of a picture of a kind's line.
    """
    check = result.contour
    if not len(check):
        return _("There is no outline to check: the model segmented nothing, or the whole slice.")
    row = _('<tr><td style="padding-right: 6px"><img src="{picture}"></td><td>{text}</td></tr>')
    known = result.prepared.image.facts.has_known_spacing
    rows = [row.format(picture=picture(kind), text=_legend_line(check, kind, known)) for kind in ContourKind]
    return "<table>{rows}</table>".format(rows="".join(rows))


def _legend_line(check: ContourCheck, kind: ContourKind, has_known_spacing: bool) -> str:
    """What is said of one kind of outline; without a known spacing the lengths are in pixels."""
    share, moves = percent(check.share[kind]), check.median_tolerance(kind)
    if kind is ContourKind.FIRM:
        return _("<b>firm</b>, {share} of the outline").format(share=share)
    if kind is ContourKind.FOLLOWS_BOX:
        if check.follows_box is None:
            return _("<b>follows your box</b>: looked at when the box rests")
        return _("<b>follows your box</b>, {share}: your box drew it, more than the image").format(share=share)
    if moves is None:
        return _("<b>soft</b>, {share}").format(share=share)
    moved = _("{value} mm") if has_known_spacing else _("{value} pixels")
    return _("<b>soft</b>, {share}: moves about {moved} where the logit changes by one").format(
        share=share, moved=moved.format(value=number(moves))
    )


def contour(result: SliceExplanation) -> str:
    """The mask as a whole, what is known of the contour check, and what the model saw, as rich text."""
    grey = _("Grey values from black to white: {text}.").format(text=result.prepared.grey_range.text)
    return "<br>".join([result.mask_check.text, how_tested(result.model), grey])


def export_tip(state: State) -> str:
    """What the Export button does, or why it cannot."""
    if shows_preview(state):
        return _("A preview is not exported: press Explain for the full maps first.")
    if state.followed is not None:
        return _(
            "Write report.html, panels.png, explanation.json, the maps and the mask of the slice into a folder, and the organ "
            "through the slices into a folder in it."
        )
    return _("Write report.html, panels.png, explanation.json, the maps and the mask as NRRD into a folder.")


def folder(path: Path | None) -> str:
    """A folder on a button: of a long path only the end, since the button would make the panel wide."""
    if path is None:
        return _("the usual place")
    text = str(path)
    return text if len(text) <= _LONGEST_PATH else "…" + text[1 - _LONGEST_PATH :]


def folder_tip(path: Path | None) -> str:
    """The whole path, and what the folder is for."""
    text = _(
        "Where downloaded weights are kept. For a machine without network, put the files there yourself under their own names."
    )
    return _("{text} Now: {path}").format(text=text, path=path) if path is not None else text


def seconds(value: float) -> str:
    """A duration for people."""
    return _("{value} s").format(value=f"{value:.1f}" if value < 10 else f"{value:.0f}")


def percent(share: float) -> str:
    """A share for people."""
    return _("{value} %").format(value=f"{100 * share:.0f}")


def signed(hundredths: int) -> str:
    """A signed change, in hundredths."""
    return f"{hundredths:+d}".replace("-", "−") if hundredths else "0"


def number(value: float) -> str:
    """Millimetres with as many digits as make sense."""
    return f"{value:.1f}" if value < 20 else f"{value:.0f}"
