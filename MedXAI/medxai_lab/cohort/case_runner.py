"""What a worker keeps from one task to the next: the model, the explainers, the scan at hand and its slices' encodings."""

from dataclasses import dataclass, field

from medxai.encoding.cache import EncodingCache
from medxai.encoding.feature_extraction import check_layers
from medxai.engine import Explainer, prepare_slice
from medxai.errors import InputError, MedXAIError, ModelError
from medxai.explainers.base import Case, CaseExplainer
from medxai.explainers.registry import make
from medxai.explainers.three_stage.parameters import ExplainerParameters, parameters_for
from medxai.metrics.box_dice import box_mask, dice
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.plan import Measurement
from medxai.model_input.grey import GreyRange, grey_range_of
from medxai.models.loading import LoadedModel, load_model
from medxai.slice.box import ClippedBox
from medxai.slice.slice_image import slice_of
from medxai.volume.labelled_volume import LabelledVolume

from ..datasets.scan import Scan, file_signature
from .case_choice import ChosenCase, choose_cases, reference_mask
from .outcome import CaseOutcome, ScanOutcome
from .settings import CohortSettings

_MB = 1 << 20


@dataclass(frozen=True)
class _OpenScan:
    """signature: of its files; a cluster's worker may outlive a download. grey_range: of the whole volume, found once; percentiles of an MR take longer than a slice."""

    scan: Scan
    signature: list[list]
    labelled: LabelledVolume
    grey_range: GreyRange
    cases: tuple[ChosenCase, ...]


@dataclass
class Workbench:
    """One worker's; for one thread at a time. The scan opened last is kept, and the encodings of its last slices."""

    settings: CohortSettings
    model: LoadedModel
    explainers: tuple[CaseExplainer, ...]
    explainer: Explainer
    parameters: ExplainerParameters
    _open: dict[str, _OpenScan] = field(default_factory=dict)
    _partners: dict[str, Case | None] = field(default_factory=dict)

    def choose(self, scan: Scan) -> ScanOutcome:
        """The scan's cases. Raises nothing: what goes wrong is the outcome's failure."""
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
        """One case. partner: a scan of another patient, for the sanity checks. Raises nothing."""
        try:
            return self._evaluated(scan, partner, chosen)
        except Exception as error:
            return CaseOutcome(scan.name, scan.patient, chosen, sentence(error))

    def _evaluated(self, scan: Scan, partner: Scan | None, chosen: ChosenCase) -> CaseOutcome:
        opened = self._opened(scan)
        case = self._case(opened, chosen)
        evidence = evaluate_case(case, self.explainers, self.settings.plan, self._others(opened, partner, chosen))
        if not evidence.maps:
            raise InputError(
                "No explainer gave a map: " + " ".join(f"{name}: {reason}" for name, reason in evidence.failures)
            )
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
            tuple(maps.layer for maps in result.explanation.layers),
            evidence.rows,
            evidence.verdicts,
            evidence.failures,
        )

    def _others(self, opened: _OpenScan, partner: Scan | None, chosen: ChosenCase) -> tuple[Case, ...]:
        """What the sanity checks compare with: the next organ on the slice and another patient's case, both told by the
        data set alone, so that no figure depends on how the work was shared out."""
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
        volume = opened.labelled.volume
        image = slice_of(volume, chosen.plane, chosen.index)
        prepared = prepare_slice(volume, image, self.model.convention, grey_range=opened.grey_range)
        result = self.explainer.explain(
            prepared, [ClippedBox(chosen.box, False)], self.parameters, self.settings.layers
        )[0]
        return Case(chosen.case_id, opened.scan.patient, chosen.organ, result, reference_mask(opened.labelled, chosen))

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
            grey_range_of(labelled.volume),
            choose_cases(scan, labelled, self.settings.choice),
        )


def make_workbench(settings: CohortSettings) -> Workbench:
    """Loads the model. Raises ModelError where it is missing here, or is another one than the cohort was begun with."""
    model = load_model(settings.model)
    if model.checksum_sha256 != settings.model_sha256:
        raise ModelError(
            f"'{settings.model}' is another file on this worker than where the cohort was begun; put the same one there."
        )
    if settings.layers:
        check_layers(model.sam.image_encoder, settings.layers)
    explainers = make(settings.explainers, seed=settings.plan.seed)
    return Workbench(
        settings, model, explainers, Explainer(model, EncodingCache(256 * _MB)), parameters_for(settings.preset)
    )


def sentence(error: Exception) -> str:
    """For the list of failures."""
    if isinstance(error, MedXAIError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There was not enough memory for this case; use fewer workers or a smaller model."
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
