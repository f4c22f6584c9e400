"""What is shown, written into a folder: the explanation of a slice, an organ through the slices, both as DICOM objects, too."""

from collections.abc import Sequence
from pathlib import Path

from medxai.progress import RunControl

from .failures import Failures, sentence_of
from .jobs import Job, Jobs
from .observed_state import ObservedState
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
            as_dicom: Whether DICOM objects are written, too; where they cannot be, a sentence says why, and nothing is written.
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
    if state.result is not None:
        snapshot = state.explained_snapshot
        result = tasks.with_whole_contour(snapshot, state.explained, state.result, control)
        if of_slice:  # before the other files: their images may turn out not to be nameable
            tasks.export_dicom(result, snapshot.volume, of_slice, folder / DICOM_FOLDER, snapshot.organ)
        tasks.export(snapshot, state.explained, result, folder, control)
    if state.followed is not None:
        followed, organ = state.followed.result, state.followed.organ
        if of_slices:
            volume = followed.request.on_slice.volume
            tasks.export_dicom(followed, volume, of_slices, folder / SLICES_DICOM_FOLDER, organ)
        tasks.export_slices(followed, folder / SLICES_FOLDER, organ, control)
