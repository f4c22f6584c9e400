"""`medxai evaluate`: all figures of all cases of a data set, and their summary."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, InputError
from ..limits import LIMITS_STATEMENT

if TYPE_CHECKING:
    from medxai_lab.cohort.settings import CohortSettings
    from medxai_lab.cohort.slots import Slot

#: By name, for the parser, which must not import what a cohort needs.
LAYOUT_NAMES = ("flare22", "chaos-ct", "chaos-mr", "nifti-pairs")

#: 'medxai' alone has no learned gain; its nulls and the paper's comparison go with it.
DEFAULT_EXPLAINERS = ("medxai", "nulls", "grad-cam")

_PACKAGES = ("pandas", "pyarrow", "statsmodels")


def run(arguments: argparse.Namespace) -> None:
    """Checks everything cheap, evaluates, writes, and prints where the result is."""
    _check_packages()
    from medxai_lab.cohort.run import run_cohort
    from medxai_lab.cohort.summary import BOX_CAVEAT
    from medxai_lab.datasets.catalogue import scans_of

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
    _summarise(arguments.output)


def _check_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"A cohort needs the package {', '.join(missing)}; install it with 'pip install {' '.join(missing)}'."
        )


def _labels(arguments: argparse.Namespace):
    from medxai_lab.datasets.organ_labels import parse_organs, read_labels

    if arguments.labels and arguments.organ:
        raise InputError("Both --labels and --organ say what labels mean; give one of them.")
    return read_labels(arguments.labels) if arguments.labels else parse_organs(arguments.organ or [])


def _settings(arguments: argparse.Namespace) -> "CohortSettings":
    from medxai_lab.cohort.case_choice import CaseChoice
    from medxai_lab.cohort.settings import CohortSettings

    from ..encoding.feature_extraction import check_layers
    from ..explainers.registry import make
    from ..metrics.plan import FULL, QUICK, Measurement
    from ..models.loading import load_model

    plan = replace({"quick": QUICK, "full": FULL}[arguments.plan], seed=arguments.seed)
    if arguments.families:
        plan = replace(plan, measurements=frozenset(_measurements(arguments.families, tuple(Measurement))))
    explainers = tuple(one.name for one in make(arguments.explainers, seed=arguments.seed))
    model = load_model(arguments.model)
    layers = check_layers(model.sam.image_encoder, arguments.layers) if arguments.layers else None
    choice = CaseChoice(
        arguments.slices_per_organ, arguments.smallest, tuple(arguments.organs or ()), arguments.jitter, arguments.seed
    )
    name = arguments.model if model.name == arguments.model else str(Path(arguments.model).resolve())
    return CohortSettings(
        str(arguments.dataset.resolve()),
        arguments.layout,
        name,
        model.checksum_sha256,
        explainers,
        plan,
        choice,
        arguments.preset,
        layers,
        arguments.threads,
    )


def _measurements(asked: Sequence[str], known: tuple) -> Iterator:
    """'faithfulness' names both of its spaces."""
    for name in asked:
        found = [one for one in known if str(one) == name or str(one).startswith(f"{name} ")]
        if not found:
            raise InputError(f"There is no family '{name}'; choose from {', '.join(known)}.")
        yield from found


def _check_organs(settings: "CohortSettings", known: set[str]) -> None:
    unknown = sorted(set(settings.choice.organs) - known)
    if unknown:
        raise InputError(f"The data set labels no {', '.join(unknown)}; choose from {', '.join(sorted(known))}.")


@contextmanager
def _slots(arguments: argparse.Namespace) -> "Iterator[tuple[Slot, ...]]":
    if arguments.scheduler:
        from medxai_lab.cohort.dask_slots import dask_slots

        if arguments.workers:
            raise InputError("The cluster's workers are those of --scheduler; leave --workers out.")
        with dask_slots(arguments.scheduler) as slots:
            print(f"{len(slots)} workers of the cluster", file=sys.stderr)
            yield slots
    else:
        from medxai_lab.cohort.local_slots import local_slots, usable_cores

        with local_slots(arguments.workers or max(usable_cores() // arguments.threads, 1)) as slots:
            yield slots


def _summarise(folder: Path) -> None:
    from medxai_lab.cohort.summary import ALL_ORGANS
    from medxai_lab.cohort.summary_files import write_summary

    summary = write_summary(folder)
    print(
        f"{summary.cases} cases of {summary.patients} patients; failed: {summary.cases_failed} cases and {summary.scans_failed} scans."
    )
    for one in summary.gains:
        if (
            one.organ == ALL_ORGANS
            and one.metric == summary.headline_metric
            and one.layer in (summary.headline_layer, "")
            and one.kind == "method"
        ):
            gain = one.interval
            print(
                f"learned gain, stage {one.stage}, {one.mask} mask: {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
            )
    print(f"Written to {folder}: " + ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())))
    print(LIMITS_STATEMENT)
