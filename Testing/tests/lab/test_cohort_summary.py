"""A cohort's summary: intervals that know patients, tests that are corrected, tables that say what was left out."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas", reason="needs the extra 'lab'")
pytest.importorskip("statsmodels", reason="needs the extra 'lab'")

import pandas as pd
from scipy.stats import bootstrap, wilcoxon

from medxai.limits import LIMITS_STATEMENT
from medxai.metrics.metric_row import MetricRow
from medxai_lab.cohort.statistics import Comparison, bootstrap_means, holm, paired_tests
from medxai_lab.cohort.summary import ALL_ORGANS, BOX_CAVEAT
from medxai_lab.cohort.summary_files import write_summary


def test_with_one_patient_the_interval_is_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).gamma(2.0, size=40)
    mean, low, high = bootstrap_means(values[:, None], np.full(40, "one"), draws=20000)
    expected = bootstrap(
        (values,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert mean[0] == pytest.approx(values.mean(), abs=1e-12)
    assert (low[0], high[0]) == pytest.approx(tuple(expected), abs=0.02)


def test_many_alike_cases_of_few_patients_make_the_interval_no_narrower():
    of_patients = np.random.default_rng(3).normal(size=12)
    patients = np.repeat(np.arange(12), 30)
    cases = np.repeat(of_patients, 30)
    _, low, high = bootstrap_means(np.c_[cases, cases], patients)
    _, patient_low, patient_high = bootstrap_means(of_patients[:, None], np.arange(12))
    assert high[0] - low[0] == pytest.approx(patient_high[0] - patient_low[0], rel=0.1)
    assert high[0] - low[0] > 3 * 3.92 * of_patients.std() / np.sqrt(len(cases))


def test_missing_values_are_left_out_of_mean_and_interval():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 5.0]])
    mean, low, high = bootstrap_means(np.c_[values, np.full(3, np.nan)], np.array(["a", "b", "c"]))
    assert mean[:2] == pytest.approx([2.0, 5.0]) and (low[1], high[1]) == (5.0, 5.0)
    assert np.isnan([mean[2], low[2], high[2]]).all()


def test_a_single_case_has_a_mean_and_no_interval():
    values = np.array([[1.0, np.nan], [3.0, 5.0]])
    mean, low, high = bootstrap_means(values, np.array(["a", "b"]))
    assert mean == pytest.approx([2.0, 5.0])
    assert np.isfinite([low[0], high[0]]).all() and np.isnan([low[1], high[1]]).all()


def cohort(patients: int, organs: tuple[str, ...] = ("liver",)) -> pd.DataFrame:
    lines = [(f"p{n}/{organ}/{k}", f"p{n}", organ) for n in range(patients) for organ in organs for k in range(2)]
    return pd.DataFrame(lines, columns=["case_id", "patient", "organ"])


def test_patients_are_the_units_of_a_test_where_there_are_enough():
    cases = cohort(9)
    first = pd.Series(np.random.default_rng(0).normal(0.3, 1, len(cases)), cases.case_id)
    (test,) = paired_tests([Comparison("a against b", "neck", "auroc", "reference", first, first * 0)], cases)
    of_patients = first.groupby(cases.patient.to_numpy()).mean()
    assert (test.unit, test.units, test.p) == ("patients", 9, pytest.approx(wilcoxon(of_patients).pvalue))
    assert test.difference == pytest.approx(of_patients.median())
    few = cohort(5)
    (test,) = paired_tests([Comparison("a against b", "neck", "auroc", "reference", first[:10], first[:10] * 0)], few)
    assert (test.unit, test.units) == ("cases", 10)


def test_every_comparison_made_counts_for_the_correction():
    cases = cohort(8, ("liver", "spleen"))
    rng = np.random.default_rng(5)
    compared = [
        Comparison(
            f"{n}",
            "neck",
            "auroc",
            "reference",
            pd.Series(rng.normal(n, 1, len(cases)), cases.case_id),
            pd.Series(0.0, cases.case_id),
        )
        for n in range(3)
    ]
    equal = Comparison("equal", "neck", "auroc", "reference", compared[0].first, compared[0].first)
    tests = paired_tests([*compared, equal], cases)
    assert len(tests) == 12 and {test.organ for test in tests} == {ALL_ORGANS, "liver", "spleen"}
    ranked = sorted((test for test in tests if test.p is not None), key=lambda test: test.p)
    assert len(ranked) == 9 and all(test.p_holm is None for test in tests if test.question == "equal")
    largest = 0.0
    for place, test in enumerate(ranked):  # Holm 1979: the k-th smallest p times how many are left, never falling
        largest = max(largest, min(1.0, test.p * (9 - place)))
        assert test.p_holm == pytest.approx(largest)
    assert holm([]) == ()


def folder_with(tmp_path: Path, patients: int, failures: str = "") -> Path:
    """Tables of a made-up cohort: stage 3 is 0.1 ahead of the better of two baselines in every case, Grad-CAM 0.2 behind."""
    organs = ("liver", "spleen")
    cases = cohort(patients, organs)
    rows = []
    for n, case in enumerate(cases.itertuples()):
        base = 0.6 + 0.01 * (n % 5)
        baselines = (
            {"box": base, "centre-gaussian": base - 0.05}
            if case.organ == "liver" or case.patient == "p0"
            else {"box": base - 0.05, "centre-gaussian": base}
        )
        maps = [
            ("medxai", "method", stage, layer, base + gain)
            for layer in ("block 2", "neck")
            for stage, gain in (("stage1", -0.1), ("stage2", 0.0), ("stage3", 0.1))
        ]
        maps += [
            ("grad-cam", "comparison", "", "neck", base - 0.1),
            *((name, "baseline", "", "", value) for name, value in baselines.items()),
        ]
        for mask in ("predicted", "reference"):
            for explainer, kind, stage, layer, value in maps:
                rows.append(
                    MetricRow(
                        case.case_id,
                        case.patient,
                        case.organ,
                        explainer,
                        kind,
                        stage,
                        layer,
                        "localisation",
                        "auroc_grown_box",
                        mask,
                        value,
                    )
                )
    cases["scan"], cases["plane"], cases["index"], cases["dice"], cases["box_dice"] = (
        cases.patient,
        "axial",
        3,
        0.9,
        0.7,
    )
    cases["layers"] = "block 2; neck"
    cases["resolution_width_mm"], cases["resolution_height_mm"] = 8.0, np.linspace(9.0, 12.5, len(cases))
    cases.to_csv(tmp_path / "cases.csv", index=False)
    figures = pd.DataFrame([asdict(row) for row in rows])
    figures.to_parquet(tmp_path / "figures.parquet")
    cost = replace(rows[0], family="cost", metric="seconds_first_box", map="", layer="", mask="", value=0.5)
    pd.DataFrame([asdict(cost), asdict(replace(cost, value=0.7)), asdict(replace(cost, value=9.0))]).to_parquet(
        tmp_path / "cost.parquet"
    )
    (tmp_path / "checks.csv").write_text(
        "case_id,patient,organ,check,explainer,map,layer,measured,limit,passed,sentence\n"
        "a,p0,liver,random weights,medxai,3,neck,0.9,0.5,False,s\nb,p0,liver,random weights,medxai,3,neck,0.1,0.5,True,s\n"
    )
    (tmp_path / "organs.csv").write_text(
        "organ,scans_labelled,scans_with_cases,cases\naorta,3,0,0\nliver,3,3,6\nspleen,3,3,6\n"
    )
    (tmp_path / "failures.csv").write_text("scan,case_id,explainer,reason\n" + failures)
    settings = {
        "dataset": "/home/someone/FLARE22",
        "model": "demo",
        "layout": "flare22",
        "plan": {"measurements": ["cost", "localisation", "sanity"]},
        "choice": {"smallest_px": 100, "organs": []},
        "layers": None,
    }
    (tmp_path / "settings.json").write_text(json.dumps({"settings": settings}))
    return tmp_path


def test_the_summary_says_gains_failures_and_left_out_organs(tmp_path: Path):
    failures = 'p7,,,"broken"\np1,p1/liver/9,,"no box"\np1,p1/liver/0,grad-cam,"out of memory"\n'
    summary = write_summary(folder_with(tmp_path, 8, failures))
    assert (summary.cases, summary.cases_failed, summary.scans_failed, summary.patients) == (32, 1, 1, 8)
    assert summary.headline_layer == "block 2" and summary.organs == ("liver", "spleen")
    gains = {(one.organ, one.explainer, one.map, one.layer, one.mask): one for one in summary.gains}
    for organ, baseline in ((ALL_ORGANS, "box"), ("liver", "box"), ("spleen", "centre-gaussian")):
        stage3 = gains[organ, "medxai", "stage3", "block 2", "reference"]
        assert (
            stage3.interval.mean == pytest.approx(0.1)
            and stage3.interval.low == pytest.approx(0.1)
            and stage3.best_baseline == baseline
        )
        assert gains[organ, "grad-cam", "", "neck", "reference"].interval.mean == pytest.approx(-0.1)
    assert not any(one.role == "baseline" for one in summary.gains)
    tests = {(test.question, test.organ, test.mask): test for test in summary.tests}
    ahead = tests["stage 3 against grad-cam", ALL_ORGANS, "predicted"]
    assert ahead.difference == pytest.approx(0.2) and ahead.unit == "patients"
    assert tests["stage 3 against the best baseline", "liver", "reference"].difference == pytest.approx(0.1)
    assert tests["stage 2 against stage 1", "spleen", "reference"].difference == pytest.approx(0.1)
    assert summary.comparisons == 5 * 3 * 2 == len(summary.tests)
    assert [(one.passed, one.made) for one in summary.checks] == [(1, 2)]
    assert [(one.metric, one.median, one.cases) for one in summary.costs] == [("seconds_first_box", 0.7, 3)]
    assert summary.token_mm == (8.0, 12.5)
    assert "8.0 to 12.5 mm" in (tmp_path / "report.html").read_text(encoding="utf-8")

    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (
        text.index(LIMITS_STATEMENT)
        < text.index(BOX_CAVEAT)
        < text.index("## Learned gain")
        < text.index("## Paired tests")
    )
    assert "32 of 33 cases (97.0%) on 8 of 9 scans of 8 patients" in text
    assert (
        "No case of aorta" in text
        and "grad-cam failed in 1 measurement (" in text
        and "30 comparisons" in text
        and "no box" in text
    )
    assert "someone" not in text
    for word in ("confidence", "certainty", "trust", "correctness", "diagnos"):
        assert word not in text.replace(LIMITS_STATEMENT, "").lower()
    for name in ("learned_gain.png", "stage_by_layer.png"):
        assert f"]({name})" in text and (tmp_path / name).stat().st_size > 10_000
    written = pd.read_csv(tmp_path / "learned_gain.csv", keep_default_na=False)
    assert len(written) == len(summary.gains) and set(written.best_baseline) == {"box", "centre-gaussian"}


def test_faithfulness_has_a_table_of_its_own_for_each_space_that_was_measured(tmp_path: Path):
    folder = folder_with(tmp_path, 2)
    figures = pd.read_parquet(folder / "figures.parquet")
    measured = figures[figures["mask"] == "reference"].assign(family="faithfulness", mask="")
    curves = {
        "image_deletion_dice_less_random": -0.25,
        "image_insertion_dice_less_random": 0.5,
        "image_deletion_dice": 0.125,
    }
    added = [measured.assign(metric=metric, value=value) for metric, value in curves.items()]
    pd.concat([figures, *added]).to_parquet(folder / "figures.parquet")
    write_summary(folder)
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "## Faithfulness in the neck" not in text
    section = text.split("## Faithfulness in the image")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 9  # three stages at two layers, Grad-CAM, two baselines; all organs together
    stage3 = next(row for row in rows if row.startswith("| medxai | stage3 | block 2 |"))
    assert "| -0.250 (-0.250 to -0.250) | +0.500 (+0.500 to +0.500) |  |" in stage3 and "0.125" not in section


def test_one_patient_and_few_patients_are_said_so(tmp_path: Path):
    summary = write_summary(folder_with(tmp_path, 1))
    assert all(one.interval.resampled == "cases" for one in summary.gains)
    assert any("All cases are of one patient" in caveat for caveat in summary.caveats)
    assert all(test.unit == "cases" for test in summary.tests)
    assert any("fewer than 6 patients" in caveat for caveat in summary.caveats)


def test_of_one_case_means_are_told_and_no_interval_anywhere(tmp_path: Path):
    folder = folder_with(tmp_path, 1)
    first = "p0/liver/0"
    for name in ("cases.csv", "figures.parquet"):
        read, write = (pd.read_csv, "to_csv") if name.endswith("csv") else (pd.read_parquet, "to_parquet")
        table = read(folder / name)
        getattr(table[table.case_id == first], write)(folder / name, index=False)
    summary = write_summary(folder)
    assert {(one.interval.low, one.interval.high, one.interval.resampled) for one in summary.gains} == {
        (None, None, "")
    }
    assert "Where there is only one case, no interval can be drawn, and none is given." in summary.caveats
    for name in ("learned_gain.csv", "figure_means.csv"):
        written = pd.read_csv(folder / name)
        assert written["mean"].notna().all() and written[["low", "high"]].isna().all().all()
    text, html = ((folder / name).read_text(encoding="utf-8") for name in ("summary.md", "report.html"))
    assert "1 of 1 case (100.0%) on 1 of 1 scan of 1 patient;" in text
    assert "| reference | 1 case | +0.100 | " in text and '<td class="number">1 case</td>' in html
    assert "There is only one case: nothing here tells about other patients." in summary.caveats
    assert "| medxai | stage3 | neck | +0.100 | " in text and "learned gain +0.100. One case has no interval" in html
    for said in (text, html):
        assert not re.search(r"[+−-]?0\.\d+ to [+−-]?0\.\d+", said) and "nan" not in said.replace("resonance", "")
    assert 'class="gainbar alone"' in html and 'class="range"' not in html


@pytest.mark.parametrize(("patients", "said"), [(1, "4 cases"), (2, "2 patients"), (4, "4 patients"), (5, "")])
def test_it_is_said_where_an_interval_rests_on_few(tmp_path: Path, patients: int, said: str):
    folder = folder_with(tmp_path, patients)
    table = pd.read_csv(folder / "cases.csv").assign(organ="liver")
    table.to_csv(folder / "cases.csv", index=False)
    summary = write_summary(folder)
    caveat = f"Some intervals are drawn from only {said}; an interval from so few says little."
    few = [one for one in summary.caveats if "so few" in one]
    assert few == ([caveat] if said else [])
    for name in ("summary.md", "report.html"):
        assert (caveat in (folder / name).read_text(encoding="utf-8")) == bool(said)


def test_a_cohort_in_which_nothing_could_be_done_still_has_a_summary(tmp_path: Path):
    folder = folder_with(tmp_path, 1, 'p0,,,"broken"\n')
    for name in ("cases.csv", "checks.csv"):
        pd.read_csv(folder / name).head(0).to_csv(folder / name, index=False)
    for name in ("figures.parquet", "cost.parquet"):
        pd.read_parquet(folder / name).head(0).to_parquet(folder / name)
    summary = write_summary(folder)
    assert (
        summary.cases == 0
        and summary.gains == ()
        and "0 of 0 cases" in (folder / "summary.md").read_text(encoding="utf-8")
    )
