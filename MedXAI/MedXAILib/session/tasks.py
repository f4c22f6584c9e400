"""The long work that the session gives to its worker; touches no scene, and imports PyTorch when it runs."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medxai.contour.result import ContourCheck
from medxai.explainers.three_stage.parameters import parameters_for
from medxai.map_view import explainer_of
from medxai.maps import MapId, MapInfo, Role
from medxai.model_input.grey import Window
from medxai.organ_codes import UNNAMED, Organ
from medxai.progress import RunControl, Step
from medxai.request import ALL_LAYERS, ExplainRequest
from medxai.results import SaliencyMap, SliceExplanation
from medxai.through_slices.request import VolumeRequest
from medxai.through_slices.several import FollowedOrgan
from medxai.through_slices.volume_result import OnSlice, VolumeResult
from medxai.volume.volume import Volume

from .organs import ExplainedOrgans
from .shared_engine import SharedEngine
from .snapshot import ExplanationKey, SceneSnapshot, key_of_region

#: What has to be importable before anything can be explained; names of modules.
NEEDED_MODULES = (
    "torch",
    "segment_anything",
    "skimage",
    "safetensors",
    "matplotlib",
    "pydicom",
    "nibabel",
    "jinja2",
    "platformdirs",
)


@dataclass(frozen=True)
class Equipment:
    """What is installed.

    Attributes:
        missing: Modules without which nothing works.
        comparisons: The maps of other explainers that can be made here.
    """

    missing: tuple[str, ...]
    comparisons: tuple[MapInfo, ...]


def request_of(snapshot: SceneSnapshot, key: ExplanationKey) -> ExplainRequest:
    """What is asked of the engine for a snapshot of the scene."""
    method = key.method
    return ExplainRequest(
        snapshot.volume,
        snapshot.image,
        method.model_choice,
        Window(*method.window) if method.window else None,
        method.enhance_input,
        layers=ALL_LAYERS if method.all_layers else None,
        parameters=parameters_for(method.preset),
    )


class Tasks:
    """What the session asks of the engine, for its worker thread. Each raises what the engine raises."""

    def __init__(self, engine: SharedEngine | None = None):
        self.engine = engine or SharedEngine()

    def start(self, control: RunControl) -> Equipment:
        """Imports what the work needs, off the main thread, and tells what there is."""
        control.at(Step.STARTING).report(0, 0)
        missing = tuple(name for name in NEEDED_MODULES if not _is_installed(name))
        if missing:
            return Equipment(missing, ())
        self.engine.get()
        return Equipment((), comparison_maps())

    def explain(
        self,
        snapshot: SceneSnapshot,
        key: ExplanationKey,
        control: RunControl,
        on_preview: Callable[[SliceExplanation], None] | None = None,
    ) -> SliceExplanation:
        """The explanation of what a snapshot shows.

        Args:
            snapshot: Volume, slice and box.
            key: What the explanation depends on.
            control: Of the task.
            on_preview: Called with a result at half resolution, where the slice has to be encoded and the model allows
                it; None where none is wanted.
        """
        return self.engine.get().explain(request_of(snapshot, key), [snapshot.box], control, on_preview)[0]

    def explain_organs(
        self,
        snapshot: SceneSnapshot,
        key: ExplanationKey,
        control: RunControl,
        on_preview: Callable[[SliceExplanation], None] | None = None,
    ) -> ExplainedOrgans:
        """The explanations of all marked boxes on a snapshot's slice, which is encoded once.

        Args:
            snapshot: Volume, slice and boxes.
            key: What the chosen box's explanation depends on.
            control: Of the task.
            on_preview: As for `explain`, of the chosen box.
        """
        together = snapshot.together
        first = sorted(range(len(together)), key=lambda number: together[number].origin != snapshot.origin)
        boxes = [together[number].box for number in first]
        found = self.engine.get().explain(request_of(snapshot, key), boxes, control, on_preview)
        results = dict(zip(first, found, strict=True))
        return ExplainedOrgans.of(
            [key_of_region(key, one) for one in together],
            [one.organ if one.organ is not UNNAMED else replace(UNNAMED, name=one.name) for one in together],
            [results[number] for number in range(len(together))],
        )

    def look_ahead(self, snapshot: SceneSnapshot, key: ExplanationKey, control: RunControl) -> int:
        """Encodes the slices around one that was just explained, as far as memory allows; returns how many."""
        return self.engine.get().look_ahead(request_of(snapshot, key), control)

    def compare(
        self, snapshot: SceneSnapshot, key: ExplanationKey, map_key: str, control: RunControl
    ) -> tuple[SaliencyMap, ...]:
        """Another method's maps of the same box.

        Args:
            snapshot: Volume, slice and box.
            key: What the explanation depends on.
            map_key: One of the maps; all maps of its explainer are computed.
            control: Of the task.

        Raises:
            MedXAIError: What the engine raises.
        """
        return self.engine.get().compare(request_of(snapshot, key), snapshot.box, explainer_of(map_key), control)

    def check_contour(
        self, snapshot: SceneSnapshot, key: ExplanationKey, result: SliceExplanation, control: RunControl
    ) -> ContourCheck:
        """The contour check of a result with both of its halves.

        Args:
            snapshot: The scene that the result was made from.
            key: What it depends on.
            result: Whose outline is checked; not a preview.
            control: Of the task.

        Raises:
            MedXAIError: What the engine raises.
        """
        return self.engine.get().check_contour(request_of(snapshot, key), result, control)

    def with_whole_contour(
        self, snapshot: SceneSnapshot, key: ExplanationKey, result: SliceExplanation, control: RunControl
    ) -> SliceExplanation:
        """A result with both halves of its contour check, for files, also where nobody has looked at it; as `check_contour`."""
        if result.contour.follows_box is not None:
            return result
        return replace(result, contour=self.check_contour(snapshot, key, result, control))

    def volume_request(self, snapshot: SceneSnapshot, key: ExplanationKey, maps: tuple[MapId, ...]) -> VolumeRequest:
        """What is asked to follow the organ in a snapshot's box; the region's depth, where it has one, is the range.

        Args:
            snapshot: Volume, slice along the voxels' axes, box and region's depth.
            key: What the maps depend on.
            maps: Those that become volumes.
        """
        first, last = snapshot.slices or (None, None)
        return VolumeRequest(request_of(snapshot, key), snapshot.box.box, first, last, maps=maps)

    def follow(
        self, request: VolumeRequest, so_far: VolumeResult | None, control: RunControl, on_slice: OnSlice
    ) -> VolumeResult:
        """An organ followed through the slices; see `Engine.explain_volume`, which raises what this raises."""
        return self.engine.get().explain_volume(request, control, so_far, on_slice)

    def export(
        self, snapshot: SceneSnapshot, key: ExplanationKey, result: SliceExplanation, folder: Path, control: RunControl
    ) -> None:
        """Writes panels, report, volumes and Slicer's own segmentation file of the shown result.

        Args:
            snapshot: The scene that the result was made from.
            key: What it depends on.
            result: What is written.
            folder: Where the files go.
            control: Of the task.

        Raises:
            OutputError: Where a file cannot be written; the folder is then as it was.
        """
        from medxai.provenance import provenance_of
        from medxai.report.case_evidence import named, quick_evidence
        from medxai.report.segment_file import write_slice_segments
        from medxai.report.writing import write_results

        control.at(Step.EXPORTING).report(0, 0)
        case = named(self.engine.get().case(request_of(snapshot, key), snapshot.box, control))
        if snapshot.organ is not UNNAMED:
            case, result = replace(case, organ=snapshot.organ.name), replace(result, organ=snapshot.organ.name)
        masks = [(snapshot.organ, result.segmentation.mask)]

        def write_segment(scratch: Path) -> None:
            path = scratch / "segmentation.seg.nrrd"
            write_slice_segments(path, result.prepared.image, masks, provenance_of(result))

        write_results(result, folder, quick_evidence(case, result.comparisons), extra=write_segment)

    def export_slices(self, result: VolumeResult, folder: Path, organ: Organ, control: RunControl) -> None:
        """Writes an organ that was followed through the slices; raises what `write_through_slices` raises."""
        from medxai.report.through_slices import write_through_slices

        control.at(Step.EXPORTING).report(0, 0)
        write_through_slices([FollowedOrgan(organ, 1, result)], folder)

    def export_organs(
        self, snapshot: SceneSnapshot, organs: ExplainedOrgans, folder: Path, control: RunControl
    ) -> None:
        """Writes several organs that were explained in one go; raises what `write_organs` raises."""
        from medxai.report.case_evidence import named, quick_evidence
        from medxai.report.organs import OrganWithEvidence, write_organs

        control.at(Step.EXPORTING).report(0, 0)
        boxes = [one.explanation.box for one in organs.organs]
        cases = self.engine.get().cases(request_of(snapshot, organs.keys[0]), boxes, control)
        found = [
            OrganWithEvidence(
                one, quick_evidence(replace(named(case), organ=one.organ.name), one.explanation.comparisons)
            )
            for one, case in zip(organs.organs, cases, strict=True)
        ]
        write_organs(found, folder)

    def framed(self, volume: Volume, files: Sequence[Path]) -> Volume:
        """The scene's volume with the DICOM images of its slices, for objects that name them.

        Args:
            volume: As the scene holds it.
            files: What the scene loaded it from.

        Raises:
            InputError: The images cannot be named.
        """
        from medxai.dicom_out.source import source_images_of
        from medxai.volume.dicom import with_source_frames

        found = with_source_frames(volume, files)
        source_images_of(found)
        return found

    def export_dicom(
        self, result: SliceExplanation | ExplainedOrgans | VolumeResult, volume: Volume, folder: Path, organ: Organ
    ) -> None:
        """Writes a result as DICOM objects that name the images of its volume.

        Args:
            result: Of one box, of several organs on a slice, or of an organ through the slices.
            volume: See `framed`.
            folder: Where the objects go.
            organ: What was segmented, where it is one.

        Raises:
            InputError: The images cannot be named.
            OutputError: A file cannot be written; the folder is then as it was.
        """
        from medxai.dicom_out.writing import write_dicom, write_dicom_of_organs, write_dicom_of_volume

        if isinstance(result, SliceExplanation):
            write_dicom(result, volume, folder, organ)
        elif isinstance(result, ExplainedOrgans):
            write_dicom_of_organs(result.organs, volume, folder)
        else:
            request = result.request
            request = replace(request, on_slice=replace(request.on_slice, volume=volume))
            write_dicom_of_volume(replace(result, request=request), folder, organ)

    def is_encoded(self, snapshot: SceneSnapshot, key: ExplanationKey) -> bool:
        """Whether another box on this slice needs no encoding; for any thread."""
        engine = self.engine.made
        return engine is not None and engine.is_encoded(request_of(snapshot, key))

    def download(self, name: str, control: RunControl) -> Path:
        """Fetches a registered model's weights.

        Args:
            name: Of the model.
            control: Of the task.

        Raises:
            Cancelled: Once the control says so.
            DownloadError: Where no source gives the file.
        """
        from medxai.models.download import download
        from medxai.models.registry import registered

        return download(registered(name), self.engine.store, control.at(Step.DOWNLOADING)).path

    def remove_download(self, name: str) -> None:
        """Deletes a registered model's downloaded weights and forgets the loaded model."""
        from medxai.models.registry import registered

        self.engine.store.remove(registered(name))
        self.engine.free()


def comparison_maps() -> tuple[MapInfo, ...]:
    """The maps of all other explainers that can be made here, other methods before baselines; imports PyTorch."""
    from medxai.explainers.registry import map_infos

    found = [info for info in map_infos() if info.role is not Role.METHOD and not info.is_variant]
    return tuple(sorted(found, key=lambda info: info.role is Role.BASELINE))


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
