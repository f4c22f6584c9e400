"""`medxai evaluate`: all metrics of all cases of a data set, and their summary.

The command line finds `run` by the entry point `evaluate` of the group `medxai.commands`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from medxai.encoding.feature_extraction import check_layers
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError
from medxai.explainers.registry import make
from medxai.limits import LIMITS_STATEMENT
from medxai.metrics.plan import FULL, QUICK, EvaluationPlan, Measurement
from medxai.models.default_model import default_model
from medxai.report.wording import map_name
from medxai.request import ModelChoice

from ..datasets.catalogue import scans_of
from ..datasets.organ_labels import OrganLabels, parse_organs, read_labels
from .case_runner import check_device
from .cases import CaseChoice
from .run import run_cohort
from .settings import CohortSettings
from .slots import Slot, dask_slots, local_slots, usable_cores
from .summary import ALL_ORGANS, BOX_CAVEAT, CohortSummary, Failure
from .summary_files import write_summary
from .wording import counted

#: So many failures of a kind are told one by one on the terminal.
_FAILURES_TOLD = 20


def run(arguments: argparse.Namespace) -> None:
    """Checks everything cheap, evaluates, writes, and prints where the result is.

    Args:
        arguments: the options of `medxai evaluate`, as `medxai.cli.main` parses them.

    Raises:
        InputError: Where an option, the data set or the folder of the results does not fit.
        ModelError: Where the model is missing.
        OutputError: Where the results cannot be written.
        Cancelled: After Ctrl-C; the finished cases are kept.
    """
    scans = scans_of(arguments.dataset, arguments.layout, _labels(arguments))
    settings = _settings(arguments)
    _check_organs(settings, {organ for scan in scans for organ in scan.organs.values()})
    print(BOX_CAVEAT)
    try:
        with _slots(arguments) as slots:
            run_cohort(scans, settings, arguments.output, slots)
    except KeyboardInterrupt as error:
        raise Cancelled(
            f"Stopped. The finished cases are kept in '{arguments.output}'; run the same command again to go on."
        ) from error
    _say(write_summary(arguments.output), arguments.output)


def _labels(arguments: argparse.Namespace) -> OrganLabels:
    if arguments.labels and arguments.organ:
        raise InputError("Both --labels and --organ say what labels mean; give one of them.")
    return read_labels(arguments.labels) if arguments.labels else parse_organs(arguments.organ or [])


def _settings(arguments: argparse.Namespace) -> CohortSettings:
    plan = _plan(arguments)
    needs_maps = bool(plan.measurements - {Measurement.CONTOUR})
    explainers = tuple(one.key for one in make(arguments.explainers, seed=arguments.seed)) if needs_maps else ()
    engine = Engine()
    name = arguments.model or default_model(engine.store)
    model = engine.load(ModelChoice(name, arguments.device, preparation=arguments.preparation))
    check_device(model, arguments.device)
    layers = check_layers(model.sam.image_encoder, arguments.layers) if arguments.layers else None
    choice = CaseChoice(
        arguments.slices_per_organ,
        arguments.smallest,
        tuple(arguments.organs or ()),
        arguments.jitter,
        arguments.seed,
        arguments.jitter_outwards,
    )
    return CohortSettings(
        dataset=str(arguments.dataset.resolve()),
        layout=arguments.layout,
        model=name if model.name == name else str(Path(name).resolve()),
        model_sha256=model.checksum_sha256,
        explainers=explainers,
        plan=plan,
        choice=choice,
        preset=arguments.preset,
        layers=layers,
        threads=arguments.threads,
        preparation=arguments.preparation,
        device=arguments.device,
    )


def _plan(arguments: argparse.Namespace) -> EvaluationPlan:
    plan = replace({"quick": QUICK, "full": FULL}[arguments.plan], seed=arguments.seed)
    if arguments.families:
        plan = replace(plan, measurements=frozenset(_measurements(arguments.families)))
    return plan


def _measurements(asked: Sequence[str]) -> Iterator[Measurement]:
    """'faithfulness' names both of its spaces."""
    for name in asked:
        found = [one for one in Measurement if str(one) == name or str(one).startswith(f"{name} ")]
        if not found:
            raise InputError(f"There is no family '{name}'; choose from {', '.join(Measurement)}.")
        yield from found


def _check_organs(settings: CohortSettings, known: set[str]) -> None:
    unknown = sorted(set(settings.choice.organs) - known)
    if unknown:
        raise InputError(f"The data set labels no {', '.join(unknown)}; choose from {', '.join(sorted(known))}.")


@contextmanager
def _slots(arguments: argparse.Namespace) -> Iterator[tuple[Slot, ...]]:
    if arguments.scheduler:
        if arguments.workers:
            raise InputError("The cluster's workers are those of --scheduler; leave --workers out.")
        with dask_slots(arguments.scheduler) as slots:
            print(f"{counted(len(slots), 'worker')} of the cluster", file=sys.stderr)
            yield slots
    else:
        with local_slots(arguments.workers or max(usable_cores() // arguments.threads, 1)) as slots:
            yield slots


def _say(summary: CohortSummary, folder: Path) -> None:
    """The end of the command: what was done, what failed and why, the learned gain, the files."""
    print(
        f"{counted(summary.cases, 'case')} of {counted(summary.patients, 'patient')}; "
        f"failed: {counted(summary.cases_failed, 'case')} and {counted(summary.scans_failed, 'scan')}."
    )
    failed = [one for one in summary.failures if not one.explainer]
    _say_failures("scan", [one for one in failed if not one.case_id])
    _say_failures("case", [one for one in failed if one.case_id])
    for one in summary.gains:
        if (
            one.organ == ALL_ORGANS
            and one.metric == summary.headline_metric
            and one.layer in (summary.headline_layer, "")
            and one.role == "method"
        ):
            gain = one.interval
            ends = f" ({gain.low:+.3f} to {gain.high:+.3f})" if gain.low is not None else ", of one case only"
            print(f"learned gain, {map_name(one.map, '')}, {one.mask} mask: {gain.mean:+.3f}{ends}")
    print(f"Written to {folder}: " + ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())))
    print(LIMITS_STATEMENT)


def _say_failures(what: str, failures: Sequence[Failure]) -> None:
    for one in failures[:_FAILURES_TOLD]:
        print(f"  {what} {one.case_id or one.scan}: {one.reason}")
    if len(failures) > _FAILURES_TOLD:
        print(f"  {len(failures) - _FAILURES_TOLD} more in failures.csv")
