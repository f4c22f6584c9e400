"""What is shown, written into a folder: the explanation of a slice, an organ through the slices, both as DICOM objects, too."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medxai.progress import RunControl
from medxai.results import SliceExplanation

from .failures import Failures, sentence_of
from .jobs import Job, Jobs
from .observed_state import ObservedState
from .organs import ExplainedOrgans
from .ports import ScenePort
from .state import Activity, Outcome, State
from .tasks import Tasks
from .worker import TaskContext

#: Folders inside the one that the user chose.
DICOM_FOLDER, SLICES_FOLDER, SLICES_DICOM_FOLDER = "dicom", "through_slices", "through_slices_dicom"
#: What was cancelled does not say by which model it was made, and DICOM objects name it.
_ONLY_A_PART = (
    "Following the organ was cancelled, and a part of its slices is not written as DICOM objects; press Through the slices to go "
    "on, or export without DICOM."
)


class Exporting:
    """Writes files on the worker; never of a preview."""

    def __init__(self, state: ObservedState, jobs: Jobs, failures: Failures, scene: ScenePort, tasks: Tasks):
        self._state = state
        self._jobs = jobs
        self._failures = failures
        self._scene = scene
        self._tasks = tasks

    def export(self, folder: str, as_dicom: bool = False) -> None:
        """Begins to write.

        Args:
            folder: What the user chose; an organ that was followed gets a folder of its own in it.
            as_dicom: Whether DICOM objects are written, too; where their images cannot be named, a sentence says why, and nothing is
                written.
        """
        state = self._state.now
        if not state.can_export:
            return
        self._state.change(outcome=Outcome.NONE, message="")
        if as_dicom and state.followed is not None and state.followed.result.model is None:
            self._failures.say(_ONLY_A_PART, Activity.EXPORT)
            return
        keys = [state.explained if state.result is not None else None, state.followed.key if state.followed else None]
        try:
            files = [self._scene.source_files(key) if as_dicom and key is not None else () for key in keys]
        except Exception as error:
            self._failures.say(sentence_of(error, "looking for the DICOM images"), Activity.EXPORT)
            return

        def run(context: TaskContext) -> None:
            _write(self._tasks, state, context.control, (Path(folder), files))

        def take(_nothing: None) -> None:
            self._state.change(running=None, outcome=Outcome.DONE, message=folder)

        self._jobs.start(Job(Activity.EXPORT, run, take))


def _write(tasks: Tasks, state: State, control: RunControl, where: tuple[Path, Sequence[Sequence[Path]]]) -> None:
    """On the worker. where: the folder, and the DICOM images of the slice and of the organ through the slices."""
    folder, (of_slice, of_slices) = where
    # All that can fail for its input comes first: DICOM objects, whose images may turn out not to be nameable.
    whole = _whole_slice(tasks, state, control)
    followed = state.followed
    framed = [
        tasks.framed(state.explained_snapshot.volume, of_slice) if of_slice else None,
        tasks.framed(followed.result.request.on_slice.volume, of_slices) if of_slices else None,
    ]
    if framed[0] is not None:
        tasks.export_dicom(whole, framed[0], folder / DICOM_FOLDER, state.explained_snapshot.organ)
    if framed[1] is not None:
        tasks.export_dicom(followed.result, framed[1], folder / SLICES_DICOM_FOLDER, followed.organ)
    if isinstance(whole, ExplainedOrgans):
        tasks.export_organs(state.explained_snapshot, whole, folder, control)
    elif whole is not None:
        tasks.export(state.explained_snapshot, state.explained, whole, folder, control)
    if followed is not None:
        tasks.export_slices(followed.result, folder / SLICES_FOLDER, followed.organ, control)


def _whole_slice(tasks: Tasks, state: State, control: RunControl) -> SliceExplanation | ExplainedOrgans | None:
    """What is shown of the slice, each result with both halves of its contour check; None where nothing is."""
    if state.result is None:
        return None
    snapshot = state.explained_snapshot
    shown = state.shown_organs
    if shown is None:
        return tasks.with_whole_contour(snapshot, state.explained, state.result, control)
    organs = [
        replace(one, explanation=tasks.with_whole_contour(snapshot, key, one.explanation, control))
        for key, one in zip(shown.keys, shown.organs, strict=True)
    ]
    return replace(shown, organs=tuple(organs))
