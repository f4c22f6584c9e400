"""From a cohort's tables to its summary."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from medxai.maps import OWN_MAPS, STAGE3, Role
from medxai.metrics.learned_gain import learned_gains
from medxai.metrics.localisation import HEADLINE
from medxai.metrics.plan import Measurement

from .contour import contour_lines, kind_lines
from .statistics import FEW_UNITS, PATIENTS_AS_UNITS, Comparison, bootstrap_means, paired_tests
from .summary import (
    ALL_ORGANS,
    BOX_CAVEAT,
    CheckCount,
    CohortSummary,
    CostLine,
    Failure,
    Interval,
    SegmentationLine,
    SummaryLine,
)
from .wording import counted

#: What tells one column of metrics from another.
_KEYS = ["explainer", "role", "map", "layer", "family", "metric", "mask"]

#: MedXAI's own maps that are compared with one another.
_STAGES = (("stage3", "stage1"), ("stage3", "stage2"), ("stage2", "stage1"), ("stage3", "stage3-unweighted"))


def summarise(folder: Path) -> CohortSummary:
    """Summarises the tables that `tables.write_tables` left in the folder. The pictures are not drawn yet."""
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))["settings"]
    cases, checks, organs, failures = (
        _read(folder / f"{name}.csv") for name in ("cases", "checks", "organs", "failures")
    )
    metrics = pd.read_parquet(folder / "figures.parquet")
    gains = _gains(metrics)
    path = folder / "contour_points.parquet"
    points = pd.read_parquet(path) if path.exists() else None
    layer = headline_layer(cases)
    tests = paired_tests(tuple(_comparisons(metrics, gains, layer)), cases)
    gain_lines, metric_lines = tuple(_lines(gains, "gain", cases)), tuple(_lines(metrics, "value", cases))
    contour = tuple(contour_lines(points)) if points is not None else ()
    drawn = {one.interval.drawn for one in (*gain_lines, *metric_lines)} | {one.drawn for one in contour}
    of_maps = set(settings["plan"]["measurements"]) != {Measurement.CONTOUR}
    return CohortSummary(
        title=f"{Path(settings['dataset']).name}: {settings['model']}",
        settings=_readable(settings),
        scans=cases.scan.nunique(),
        scans_failed=int((failures.case_id == "").sum()),
        patients=cases.patient.nunique(),
        cases=len(cases),
        cases_failed=int(((failures.case_id != "") & (failures.explainer == "")).sum()),
        organs=tuple(sorted(cases.organ.unique())),
        headline_metric=HEADLINE,
        headline_layer=layer,
        caveats=(
            *_caveats_of_cases(cases, organs, settings),
            *_caveats_of_intervals(drawn),
            *(_caveats_of_maps(cases, failures) if of_maps else ()),
        ),
        gains=gain_lines,
        metrics=metric_lines,
        tests=tests,
        comparisons=sum(test.p is not None for test in tests),
        checks=tuple(_check_counts(checks)),
        segmentation=tuple(_segmentation(cases)),
        failures=tuple(Failure(*map(str, line)) for line in failures.itertuples(index=False)),
        pictures={},
        costs=tuple(_costs(pd.read_parquet(folder / "cost.parquet"))),
        token_mm=_token_mm(cases),
        contour=contour,
        contour_kinds=tuple(kind_lines(points)) if points is not None else (),
        of_maps=of_maps,
    )


def _token_mm(cases: pd.DataFrame) -> tuple[float, float] | None:
    sides = cases[["resolution_width_mm", "resolution_height_mm"]].to_numpy(float)
    return (float(sides.min()), float(sides.max())) if sides.size else None


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False)


def headline_layer(cases: pd.DataFrame) -> str:
    """The last block of the encoder that was explained, the deepest features before the neck; '' without a case."""
    if cases.empty:
        return ""
    layers = cases.layers.iloc[0].split("; ")
    return next((name for name in reversed(layers) if name.startswith("block")), layers[-1])


def _gains(metrics: pd.DataFrame) -> pd.DataFrame:
    """Learned gains with the metrics' columns; scan by scan they need little memory."""
    parts = [
        pd.DataFrame(vars(gain) for gain in learned_gains(part)) for _, part in metrics.groupby("patient", sort=False)
    ]
    parts = [part for part in parts if not part.empty]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=[*metrics.columns, "best_baseline", "baseline_value", "gain"])
    )


def _lines(rows: pd.DataFrame, column: str, cases: pd.DataFrame) -> Iterator[SummaryLine]:
    """A line for every map, metric and mask, over all organs and then for each."""
    if rows.empty:
        return
    keys = rows[_KEYS].drop_duplicates()
    number = pd.MultiIndex.from_frame(keys)
    columns = number.get_indexer(pd.MultiIndex.from_frame(rows[_KEYS]))
    lines = pd.Index(cases.case_id).get_indexer(rows.case_id)
    values = np.full((len(cases), len(keys)), np.nan)
    values[lines, columns] = rows[column]
    baselines = _commonest_baselines(rows, columns, cases.organ.to_numpy()[lines]) if column == "gain" else {}
    organs = sorted(cases.organ.unique())
    for organ in (ALL_ORGANS, *organs):
        chosen = np.ones(len(cases), bool) if organ == ALL_ORGANS else (cases.organ == organ).to_numpy()
        if organ != ALL_ORGANS and chosen.all():
            continue  # the only organ: the same line once more
        patients = cases.patient.to_numpy()[chosen]
        mean, low, high = bootstrap_means(values[chosen], patients)
        for place, key in enumerate(keys.itertuples(index=False)):
            present = np.isfinite(values[chosen, place])
            if not present.any():
                continue
            many, count = len(set(patients[present])), int(present.sum())
            ends = (float(low[place]), float(high[place])) if count > 1 else (None, None)
            resampled = "patients, then cases" if many > 1 else "cases" if count > 1 else ""
            interval = Interval(float(mean[place]), *ends, many, count, resampled)
            yield SummaryLine(organ, *map(str, key), interval, baselines.get((organ, place), ""))


def _commonest_baselines(gains: pd.DataFrame, columns: np.ndarray, organs: np.ndarray) -> dict[tuple[str, int], str]:
    """The baseline that was best most often, by organ and column; of equals the first by name."""
    found = {}
    named = pd.DataFrame({"column": columns, "organ": organs, "baseline": gains.best_baseline.to_numpy()})
    for organ, part in ((ALL_ORGANS, named), *named.groupby("organ")):
        counts = (
            part.groupby(["column", "baseline"])
            .size()
            .reset_index(name="count")
            .sort_values(["column", "count", "baseline"], ascending=[True, False, True])
        )
        found |= {(organ, int(line.column)): line.baseline for line in counts.drop_duplicates("column").itertuples()}
    return found


def _comparisons(metrics: pd.DataFrame, gains: pd.DataFrame, layer: str) -> Iterator[Comparison]:
    """The paper's claims in the headline metric at one layer: refinement from stage to stage, and stage 3 before the others."""
    for mask in sorted(metrics[metrics.metric == HEADLINE]["mask"].unique()):
        rows = metrics[(metrics.metric == HEADLINE) & (metrics["mask"] == mask)]
        own = rows[(rows.explainer == "medxai") & (rows.layer == layer)]
        stages = {stage: part.set_index("case_id").value for stage, part in own.groupby("map")}
        for first, second in _STAGES:
            if first in stages and second in stages:
                yield Comparison(
                    f"{_title(first)} against {_title(second)}", layer, HEADLINE, mask, stages[first], stages[second]
                )
        if STAGE3.map not in stages:
            continue
        best = gains[
            (gains.metric == HEADLINE)
            & (gains["mask"] == mask)
            & (gains.explainer == "medxai")
            & (gains["map"] == STAGE3.map)
            & (gains.layer == layer)
        ].set_index("case_id")
        if len(best):
            yield Comparison(
                "stage 3 against the best baseline", layer, HEADLINE, mask, best.value, best.baseline_value
            )
        for name, part in rows[rows.role == Role.COMPARISON].groupby("explainer"):
            at = _comparison_layer(part, layer)
            yield Comparison(
                f"stage 3 against {name}",
                layer,
                HEADLINE,
                mask,
                stages[STAGE3.map],
                part[part.layer == at].set_index("case_id").value,
            )


def _title(map_key: str) -> str:
    """'stage 3 unweighted' for 'stage3-unweighted'."""
    return next(info.title for info in OWN_MAPS if info.map == map_key).lower()


def _comparison_layer(rows: pd.DataFrame, layer: str) -> str:
    """The same layer where the comparison method has it, else its own last one."""
    known = list(dict.fromkeys(rows.layer))
    return layer if layer in known else known[-1]


def _caveats_of_cases(cases: pd.DataFrame, organs: pd.DataFrame, settings: Mapping) -> Iterator[str]:
    yield BOX_CAVEAT
    if len(cases) == 1:
        yield "There is only one case: nothing here tells about other patients."
    elif cases.patient.nunique() == 1:
        yield "All cases are of one patient: intervals come from drawing its own cases or slices anew, and nothing here tells about other patients."
    missed = organs[organs.cases == 0].organ
    if len(missed):
        yield f"No case of {', '.join(missed)}: no slice had more than {settings['choice']['smallest_px']} voxels of it, or none could be done."


def _caveats_of_intervals(drawn: Collection[tuple[int, str]]) -> Iterator[str]:
    """drawn: from how many of what the intervals come."""
    few = [(count, name) for count, name in drawn if 1 < count < FEW_UNITS]
    if few:
        yield f"Some intervals are drawn from only {counted(*min(few))}; an interval from so few says little."
    alone = sorted(name for count, name in drawn if count == 1)
    if alone:
        yield f"Where there is only one {' or one '.join(alone)}, no interval can be drawn, and none is given."


def _caveats_of_maps(cases: pd.DataFrame, failures: pd.DataFrame) -> Iterator[str]:
    patients = cases.patient.nunique()
    if 0 < patients < PATIENTS_AS_UNITS:
        yield (
            f"With fewer than {PATIENTS_AS_UNITS} patients the paired tests take cases as units, although those of one patient are alike: "
            "their p are too small, and describe these cases only."
        )
    yield (
        "The learned gain compares each map with whichever baseline was best on that very case, chosen afterwards; "
        "so a gain of 0 is already as good as knowing the best baseline beforehand."
    )
    yield "The terminal map is the mask's own logits, so against the predicted mask it ranks every pixel rightly by construction."
    failed = failures[(failures.explainer != "")].explainer.value_counts(sort=False)
    for name, count in sorted(failed.items()):
        yield f"{name} failed in {counted(count, 'measurement')} (see the failures); its metrics rest on fewer cases than the others'."


def _check_counts(checks: pd.DataFrame) -> Iterator[CheckCount]:
    for key, part in checks.groupby(["check", "explainer", "map", "layer"], sort=True):
        yield CheckCount(*map(str, key), int((part.passed.astype(str) == "True").sum()), len(part))


def _segmentation(cases: pd.DataFrame) -> Iterator[SegmentationLine]:
    groups = [*cases.groupby("organ")] if len(cases) else []
    for organ, part in ((ALL_ORGANS, cases), *groups) if len(groups) > 1 else groups:
        yield SegmentationLine(organ, len(part), float(part.dice.mean()), float(part.box_dice.mean()))


def _costs(cost: pd.DataFrame) -> Iterator[CostLine]:
    for (explainer, metric), part in cost.groupby(["explainer", "metric"], sort=False):
        yield CostLine(explainer, metric, float(part.value.median()), len(part))


def _readable(settings: Mapping) -> dict[str, str]:
    """Nested settings flat, the data set by its folder's name alone: a path may name a person."""
    plain = {**settings, "dataset": Path(settings["dataset"]).name}
    flat = {}
    for name, value in plain.items():
        for inner, one in value.items() if isinstance(value, Mapping) else ((None, value),):
            text = ", ".join(map(str, one)) if isinstance(one, list) else str(one)
            flat[(f"{inner}" if inner else name).replace("_", " ")] = text or (
                "none" if name == "explainers" else "all"
            )
    return flat
