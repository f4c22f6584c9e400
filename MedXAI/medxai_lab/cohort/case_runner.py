"""What a worker keeps from one task to the next: the model, the explainers, the open scan and its slices' encodings."""

import zlib
from dataclasses import dataclass, field, replace

from medxai.engine import Engine
from medxai.errors import InputError, MedXAIError, ModelError
from medxai.explainers.base import Case, Explainer
from medxai.explainers.registry import make
from medxai.explainers.three_stage.parameters import parameters_for
from medxai.metrics.box_dice import box_mask, dice
from medxai.metrics.case_evidence import CaseEvidence, evaluate_case
from medxai.metrics.contour_errors import contour_points
from medxai.metrics.plan import Measurement
from medxai.models.loading import LoadedModel
from medxai.request import ExplainRequest
from medxai.slice.box import ClippedBox
from medxai.volume.labelled_volume import LabelledVolume

from ..datasets.scan import Scan, file_signature
from .cases import CaseOutcome, ChosenCase, ScanOutcome, choose_cases, other_labels, reference_mask
from .settings import CohortSettings

_MB = 1 << 20


@dataclass(frozen=True)
class _OpenScan:
    """A scan that was read.

    signature: of its files; a cluster's worker may outlive a download.
    """

    scan: Scan
    signature: list[list]
    labelled: LabelledVolume
    cases: tuple[ChosenCase, ...]


@dataclass
class CaseRunner:
    """Runs the cases of one worker, one thread at a time.

    It keeps the scan that was opened last, and the encodings of its last slices.

    Attributes:
        settings: of the cohort.
        engine: with the model and the encodings.
        explainers: those that are evaluated.
    """

    settings: CohortSettings
    engine: Engine
    explainers: tuple[Explainer, ...]
    _open: dict[str, _OpenScan] = field(default_factory=dict)
    _partners: dict[str, Case | None] = field(default_factory=dict)

    def choose(self, scan: Scan) -> ScanOutcome:
        """Chooses the scan's cases. Raises nothing: what goes wrong is the outcome's failure."""
        try:
            opened = self._opened(scan)
        except Exception as error:  # a broken file may raise anything in the libraries that read it
            return ScanOutcome(scan.name, failure=sentence(error))
        if not opened.cases:
            organs = self.settings.choice.organs or sorted(scan.organs.values())
            return ScanOutcome(
                scan.name,
                failure=f"No slice has more than {self.settings.choice.smallest_px} voxels of {', '.join(organs)}.",
            )
        return ScanOutcome(scan.name, opened.cases)

    def evaluate(self, scan: Scan, partner: Scan | None, chosen: ChosenCase) -> CaseOutcome:
        """Evaluates one case; what goes wrong is the outcome's failure, nothing is raised.

        Args:
            scan: The case's scan.
            partner: A scan of another patient, for the sanity checks.
            chosen: The case.
        """
        try:
            return self._evaluated(scan, partner, chosen)
        except Exception as error:
            return CaseOutcome(scan.name, scan.patient, chosen, sentence(error))

    def _evaluated(self, scan: Scan, partner: Scan | None, chosen: ChosenCase) -> CaseOutcome:
        opened = self._opened(scan)
        case = self._case(opened, chosen)
        evidence = self._evidence(case, opened, partner, chosen)
        contour = Measurement.CONTOUR in self.settings.plan.measurements
        result = case.result
        box = box_mask(chosen.box.extent_xyxy, case.reference_mask.shape)
        return CaseOutcome(
            scan.name,
            scan.patient,
            chosen,
            "",
            dice(result.segmentation.mask, case.reference_mask),
            dice(box, case.reference_mask),
            result.resolution_mm,
            result.encoding.layers,
            evidence.rows,
            evidence.verdicts,
            evidence.failures,
            str(result.prepared.image.facts.modality.value),
            contour_points(case, zlib.crc32(chosen.case_id.encode()), other_labels(opened.labelled, chosen))
            if contour
            else (),
        )

    def _evidence(self, case: Case, opened: _OpenScan, partner: Scan | None, chosen: ChosenCase) -> CaseEvidence:
        """Of the maps; nothing where only the contour check is measured."""
        if not self.settings.explainers and self.settings.plan.measurements == {Measurement.CONTOUR}:
            return CaseEvidence(chosen.case_id, (), (), (), ())
        evidence = evaluate_case(case, self.explainers, self.settings.plan, self._others(opened, partner, chosen))
        if not evidence.maps:
            raise InputError(
                "No explainer gave a map: " + " ".join(f"{name}: {reason}" for name, reason in evidence.failures)
            )
        return evidence

    def _others(self, opened: _OpenScan, partner: Scan | None, chosen: ChosenCase) -> tuple[Case, ...]:
        """What the sanity checks compare with: the next organ on the slice, and a case of another patient.

        Both follow from the data set alone, so that no metric depends on how the work was shared out.
        """
        if Measurement.SANITY not in self.settings.plan.measurements:
            return ()
        same = [case for case in opened.cases if case.index == chosen.index and case.label != chosen.label]
        after = sorted(same, key=lambda case: (case.label < chosen.label, case.label))[:1]
        found = [self._case(opened, case) for case in after]
        other = self._partner_case(partner) if partner else None
        return (*found, other) if other else tuple(found)

    def _partner_case(self, partner: Scan) -> Case | None:
        """The partner's middle case; None where the partner cannot be read."""
        key = f"{partner.name} {file_signature(partner)}"
        if key not in self._partners:
            self._partners.clear()
            try:
                opened = self._read(partner)
                self._partners[key] = self._case(opened, opened.cases[len(opened.cases) // 2])
            except (MedXAIError, RuntimeError, IndexError):
                self._partners[key] = None
        return self._partners[key]

    def _case(self, opened: _OpenScan, chosen: ChosenCase) -> Case:
        request = ExplainRequest.of_slice(
            opened.labelled.volume,
            chosen.plane,
            chosen.index,
            model=self.settings.model_choice,
            layers=self.settings.layers,
            parameters=parameters_for(self.settings.preset),
        )
        return replace(
            self.engine.case(request, ClippedBox(chosen.box, False)),
            case_id=chosen.case_id,
            patient=opened.scan.patient,
            organ=chosen.organ,
            reference_mask=reference_mask(opened.labelled, chosen),
        )

    def _opened(self, scan: Scan) -> _OpenScan:
        known = self._open.get(scan.name)
        if known is None or known.signature != file_signature(scan):
            self._open.clear()
            known = self._open[scan.name] = self._read(scan)
        return known

    def _read(self, scan: Scan) -> _OpenScan:
        signature, labelled = file_signature(scan), scan.source.read()
        return _OpenScan(
            scan,
            signature,
            labelled,
            choose_cases(scan, labelled, self.settings.choice),
        )


def make_case_runner(settings: CohortSettings) -> CaseRunner:
    """Loads the model and the explainers.

    Raises:
        InputError: Where the settings' device is not here.
        ModelError: Where the model is missing here, or is another one than the cohort was begun with.
    """
    engine = Engine(budget_bytes=256 * _MB)
    model = engine.load(settings.model_choice)
    check_device(model, settings.device)
    if model.checksum_sha256 != settings.model_sha256:
        raise ModelError(
            f"'{settings.model}' is another file on this worker than where the cohort was begun; put the same one there."
        )
    explainers = make(settings.explainers, seed=settings.plan.seed) if settings.explainers else ()
    return CaseRunner(settings, engine, explainers)


def check_device(model: LoadedModel, device: str) -> None:
    """Where a single explanation goes on with the CPU, a cohort does not: its settings would name the wrong processor.

    Raises:
        InputError: Where the model computes elsewhere than on the device that was asked for.
    """
    if model.device.type != device:
        raise InputError(f"No {device} device that PyTorch can use is here; leave --device out to compute on the CPU.")


def sentence(error: Exception) -> str:
    """A failure's reason in one sentence."""
    if isinstance(error, MedXAIError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There was not enough memory for this case; use fewer workers or a smaller model."
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
