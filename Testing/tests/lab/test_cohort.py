"""A cohort runs through, goes on after being killed, lists what failed, and its metrics depend on nothing but its settings."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("pyarrow", reason="needs the extra 'lab'")
pytest.importorskip("statsmodels", reason="needs the extra 'lab'")

import pandas as pd
import psutil

from medxai.cli.main import main
from medxai.errors import InputError
from medxai.maps import MapId
from medxai.metrics.plan import EvaluationPlan, Measurement
from medxai.metrics.sanity_verdict import SanityVerdict
from medxai.models.registry import registered
from medxai.slice.box import PixelBox
from medxai_lab.cohort import case_runner
from medxai_lab.cohort.cases import CaseChoice, CaseOutcome, ChosenCase
from medxai_lab.cohort.run import Progress, partner_of, run_cohort
from medxai_lab.cohort.settings import CohortSettings
from medxai_lab.cohort.store import _outcome
from medxai_lab.datasets.catalogue import scans_of
from support.data_sets import (
    COHORT_CASES,
    COHORT_OPTIONS,
    InlineSlot,
    small_abdomen,
    write_dicom_slice,
    write_flare22,
    write_nifti,
    write_png,
)
from support.scans import ROOT

pytestmark = pytest.mark.usefixtures("threads")

BROKEN = "FLARE22_Tr_0004"
#: After so many finished cases the command is killed.
SOME_CASES = 3
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "MedXAI")}


def evaluate(dataset: Path, output: Path, *more: str) -> int:
    return main(["evaluate", str(dataset), "--output", str(output), *COHORT_OPTIONS, *more])


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_cases_run_through_and_the_broken_volume_is_listed_with_its_reason(undisturbed: Path):
    cases = lines_of(undisturbed / "cases.csv")
    assert len(cases) == COHORT_CASES and len({case["patient"] for case in cases}) == COHORT_CASES
    assert all(float(case["dice"]) > 0.3 for case in cases)
    (failure,) = lines_of(undisturbed / "failures.csv")
    assert failure["scan"] == BROKEN and "truncated" in failure["reason"]
    figures = pd.read_parquet(undisturbed / "figures.parquet")
    assert set(figures.case_id) == {case["case_id"] for case in cases} and figures.value.notna().all()
    assert set(figures.explainer) == {"medxai", "centre-gaussian", "box"} and set(figures["mask"]) == {
        "predicted",
        "reference",
    }
    assert list(dict.fromkeys(figures.case_id)) == [case["case_id"] for case in cases]


@pytest.mark.slow
def test_killed_in_the_middle_and_asked_again_the_metrics_are_the_same_bytes(
    flare22: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The killed run has two workers of its own, the one that goes on is this process; see Dask below for one that finishes."""
    command = [sys.executable, "-m", "medxai.cli.main", "evaluate", str(flare22), "--output", str(tmp_path)]
    command += [*COHORT_OPTIONS, "--workers", "2"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300  # on a busy machine a worker needs a minute to import
    while (
        len(list(tmp_path.glob("parts/*/*.parquet"))) < SOME_CASES
        and process.poll() is None
        and time.monotonic() < until
    ):
        time.sleep(0.02)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*/*.parquet")}
    assert SOME_CASES <= len(finished) < COHORT_CASES and not (tmp_path / "figures.parquet").exists()
    assert psutil.wait_procs(workers, timeout=20)[1] == [], "the workers of a killed run must not live on"

    monkeypatch.setattr("medxai_lab.cohort.slots.LocalSlot", InlineSlot)
    assert evaluate(flare22, tmp_path) == 0
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items()), (
        "a finished case was done again"
    )
    for name in ("figures.parquet", "cases.csv", "failures.csv"):
        assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()


@pytest.mark.slow
def test_a_dask_worker_finds_the_metrics_of_one_machine(flare22: Path, undisturbed: Path, tmp_path: Path):
    distributed = pytest.importorskip("distributed", reason="needs the extra 'lab'")
    few = tmp_path / "few"
    for name in ("images", "labels"):
        (few / name).mkdir(parents=True)
        for path in sorted((flare22 / name).iterdir())[:2]:
            (few / name / path.name).symlink_to(path)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        assert evaluate(few, tmp_path / "out", "--scheduler", cluster.scheduler_address) == 0
    figures, expected = (pd.read_parquet(folder / "figures.parquet") for folder in (tmp_path / "out", undisturbed))
    assert figures.case_id.nunique() == 2
    pd.testing.assert_frame_equal(
        figures, expected[expected.case_id.isin(figures.case_id)].reset_index(drop=True), check_exact=True
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that Dask tells to give memory back")
def test_a_worker_that_dask_has_told_to_give_memory_back_keeps_a_tensors_for_the_next():
    script = """
import threading, psutil, torch
from medxai_lab.cohort.worker import keep_freed_memory
def print_kept_mb():
    before = psutil.Process().memory_info().rss
    torch.ones(16 << 18)
    print((psutil.Process().memory_info().rss - before) >> 20)
for prepare in (lambda: None, keep_freed_memory):
    prepare()
    thread = threading.Thread(target=print_kept_mb)
    thread.start()
    thread.join()
"""
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", script]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    given_back, kept = map(int, said.split())
    assert given_back < 8
    assert kept >= 15


def test_a_folder_of_another_cohort_is_refused_in_one_sentence_and_left_alone(
    flare22: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]
):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    assert evaluate(flare22, undisturbed, "--seed", "1") == 2
    assert "begun with other settings (seed: 0 there, 1 now" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")} == before


def settings(dataset: Path, *families: Measurement, **choice) -> CohortSettings:
    return CohortSettings(
        str(dataset),
        "flare22",
        "demo",
        registered("demo").sha256,
        ("medxai", "centre-gaussian"),
        EvaluationPlan(frozenset(families)),
        CaseChoice(**{"smallest_px": 20, "slices_per_organ": 1, **choice}),
        layers=("neck",),
    )


def test_chaos_patients_in_dicom_and_png_run_through(tmp_path: Path):
    for patient in (1, 2):
        voxels, labels = small_abdomen(patient)
        for k in range(len(voxels)):
            ct, mr = tmp_path / "CT" / str(patient), tmp_path / "MR" / str(patient) / "T2SPIR"
            write_dicom_slice(
                voxels[k], ct / "DICOM_anon" / f"IMG-0002-{k + 1:05d}.dcm", -5.0 * k, k + 1, "CT", "1.2.3"
            )
            write_png(255 * (labels[k] == 1), ct / "Ground" / f"liver_GT_{k:03d}.png")
            write_dicom_slice(
                voxels[k] + 1100, mr / "DICOM_anon" / f"IMG-0003-{k + 1:05d}.dcm", -5.0 * k, k + 1, "MR", "1.2.4"
            )
            grey = np.select([labels[k] == 1, labels[k] == 13, labels[k] == 3], [63, 189, 252], 0)
            write_png(grey, mr / "Ground" / f"IMG-0003-{k + 1:05d}.png")
    for layout, organs in (("chaos-ct", {"liver"}), ("chaos-mr", {"liver", "left kidney", "spleen"})):
        scans = scans_of(tmp_path, layout)
        run_cohort(scans, settings(tmp_path, Measurement.LOCALISATION), tmp_path / layout, [InlineSlot()])
        cases = lines_of(tmp_path / layout / "cases.csv")
        assert {case["organ"] for case in cases} == organs and len(cases) == 2 * len(organs)
        failures = lines_of(tmp_path / layout / "failures.csv")
        assert len(failures) == (4 if layout == "chaos-mr" else 0)  # T1DUAL is not there
    # A mask that lay on another slice would not fit the organ on it; the demo model finds these plain ellipses.
    assert all(float(case["dice"]) > 0.3 for case in cases)


def test_a_failing_case_is_listed_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_flare22(tmp_path, 2)
    sound = case_runner.evaluate_case

    def sometimes(case, *arguments):
        if case.organ == "spleen" and case.patient.endswith("1"):
            raise RuntimeError("made for this test")
        return sound(case, *arguments)

    scans = scans_of(tmp_path, "flare22")
    wanted = settings(tmp_path, Measurement.LOCALISATION)
    with monkeypatch.context() as patch:
        patch.setattr(case_runner, "evaluate_case", sometimes)
        run_cohort(scans, wanted, tmp_path / "out", [InlineSlot()])
    (failure,) = lines_of(tmp_path / "out" / "failures.csv")
    assert failure["case_id"].startswith("FLARE22_Tr_0001/spleen/") and "made for this test" in failure["reason"]
    assert len(lines_of(tmp_path / "out" / "cases.csv")) == 5
    run_cohort(scans, wanted, tmp_path / "out", [InlineSlot()])  # tried again, and well this time
    assert len(lines_of(tmp_path / "out" / "cases.csv")) == 6 and not lines_of(tmp_path / "out" / "failures.csv")


class DyingSlot(InlineSlot):
    """Its worker ends at a case of the spleen."""

    renewed = 0

    def submit(self, function, *arguments):
        dies = getattr(arguments[-1], "organ", "") == "spleen"
        return super().submit(self._die if dies else function, *arguments)

    def _die(self, *arguments):
        raise BrokenPipeError

    def has_died(self, error):
        return isinstance(error, BrokenPipeError)

    def renew(self):
        self.renewed += 1


def test_a_worker_that_dies_costs_the_one_case_that_killed_it(tmp_path: Path):
    write_flare22(tmp_path, 2)
    slot = DyingSlot()
    run_cohort(scans_of(tmp_path, "flare22"), settings(tmp_path, Measurement.LOCALISATION), tmp_path / "out", [slot])
    assert {case["organ"] for case in lines_of(tmp_path / "out" / "cases.csv")} == {"liver", "left kidney"}
    failures = lines_of(tmp_path / "out" / "failures.csv")
    assert len(failures) == 2 and all(
        "/spleen/" in one["case_id"] and "process ended" in one["reason"] for one in failures
    )
    assert slot.renewed == 2


def test_seconds_stand_apart_from_the_metrics_that_can_be_found_again(tmp_path: Path):
    write_flare22(tmp_path, 1)
    wanted = settings(tmp_path, Measurement.LOCALISATION, Measurement.COST)
    run_cohort(scans_of(tmp_path, "flare22"), wanted, tmp_path / "out", [InlineSlot()])
    assert set(pd.read_parquet(tmp_path / "out" / "figures.parquet").family) == {"localisation"}
    assert set(pd.read_parquet(tmp_path / "out" / "cost.parquet").family) == {"cost"}


def test_a_damaged_part_and_another_download_are_done_again(tmp_path: Path):
    write_flare22(tmp_path, 2)
    scans, wanted, out = (
        scans_of(tmp_path, "flare22"),
        settings(tmp_path, Measurement.LOCALISATION, organs=("liver",)),
        tmp_path / "out",
    )
    run_cohort(scans, wanted, out, [InlineSlot()])
    whole = (out / "figures.parquet").read_bytes()
    part = next(out.glob("parts/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:100])
    run_cohort(scans, wanted, out, [InlineSlot()])
    assert (out / "figures.parquet").read_bytes() == whole

    # The first scan is fetched anew, and its organ lies elsewhere.
    before = lines_of(out / "cases.csv")
    voxels, labels = small_abdomen(1)
    write_nifti(np.roll(voxels, 4, axis=2), tmp_path / "images" / "FLARE22_Tr_0001_0000.nii.gz")
    write_nifti(np.roll(labels, 4, axis=2), tmp_path / "labels" / "FLARE22_Tr_0001.nii.gz")
    run_cohort(scans, wanted, out, [InlineSlot()])
    after = lines_of(out / "cases.csv")
    assert int(after[0]["first_column"]) == int(before[0]["first_column"]) + 4 and after[1] == before[1]


def test_the_partner_is_the_next_patient_and_never_the_same_one(tmp_path: Path):
    write_flare22(tmp_path, 3)
    scans = scans_of(tmp_path, "flare22")
    assert [partner_of(scan, scans).name for scan in scans] == ["FLARE22_Tr_0002", "FLARE22_Tr_0003", "FLARE22_Tr_0001"]
    assert partner_of(scans[0], scans[:1]) is None


def test_every_setting_changes_the_fingerprint_and_nonsense_is_refused(tmp_path: Path):
    wanted = settings(tmp_path, Measurement.LOCALISATION)
    others = [
        settings(tmp_path, Measurement.COMPLEXITY),
        settings(tmp_path, Measurement.LOCALISATION, seed=1),
        settings(tmp_path, Measurement.LOCALISATION, organs=("liver",)),
        settings(tmp_path / "x", Measurement.LOCALISATION),
    ]
    assert len({one.fingerprint for one in (wanted, *others)}) == 5
    with pytest.raises(InputError, match="jitter"):
        settings(tmp_path, Measurement.LOCALISATION, jitter=0.5)
    with pytest.raises(InputError, match="at least 1"):
        settings(tmp_path, Measurement.LOCALISATION, slices_per_organ=0)


def test_an_unknown_organ_or_missing_labels_are_refused_before_any_work(
    flare22: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert (
        main(["evaluate", str(flare22), "--layout", "flare22", "--organs", "lever", "--output", str(tmp_path / "out")])
        == 2
    )
    assert "labels no lever; choose from aorta" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_here_is_refused_before_any_work(
    flare22: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Going on with the CPU would leave the wrong processor in the settings."""
    assert evaluate(flare22, tmp_path / "out", "--device", "cuda") == 2
    assert "No cuda device that PyTorch can use is here; leave --device out" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_scans_that_failed_and_their_reasons_are_named_at_the_end(
    flare22: Path,
    undisturbed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """Every finished case is there, so that only the broken scan is tried again."""
    shutil.copytree(undisturbed, tmp_path / "again")
    monkeypatch.setattr("medxai_lab.cohort.slots.LocalSlot", InlineSlot)
    assert evaluate(flare22, tmp_path / "again") == 0
    said = capsys.readouterr().out
    assert "failed: 0 cases and 1 scan." in said
    (line,) = [line for line in said.splitlines() if BROKEN in line]
    assert line.startswith(f"  scan {BROKEN}: ") and "truncated" in line


def test_how_many_cases_there_are_is_known_before_the_first_is_evaluated(tmp_path: Path):
    write_flare22(tmp_path, 3)
    broken = tmp_path / "images" / "FLARE22_Tr_0003_0000.nii.gz"
    broken.write_bytes(broken.read_bytes()[:1000])
    order: list[str] = []

    class Watched(InlineSlot):
        def submit(self, function, *arguments):
            order.append(function.__name__)
            return super().submit(function, *arguments)

    wanted = settings(tmp_path, Measurement.LOCALISATION, organs=("liver",))
    run_cohort(scans_of(tmp_path, "flare22"), wanted, tmp_path / "out", [Watched()])
    assert order == ["choose_on_scan"] * 3 + ["evaluate_case_of"] * 2


def test_progress_says_scans_then_cases_and_what_failed():
    stream = io.StringIO()
    progress = Progress(3, stream)
    for cases, failed in ((13, False), (12, False), (0, True)):
        progress.opened_scan(cases, failed)
    for number in range(25):
        progress.finished(failed=number == 3)
    first, *_, last = stream.getvalue().splitlines()
    assert "1 of 3 scans opened, 13 cases so far" in first
    assert "0 of 25 cases (1 of 3 scans failed)" in stream.getvalue()
    assert last.startswith("25 of 25 cases (1 of 3 scans failed), 1 failed") and last.endswith(" gone")


def test_progress_of_a_single_case_is_said_in_whole_sentences():
    stream = io.StringIO()
    progress = Progress(2, stream)
    progress.opened_scan(1)
    progress.opened_scan(0)
    progress.finished(failed=False)
    opened, began, done = stream.getvalue().splitlines()
    assert opened == "1 of 2 scans opened, 1 case so far; 0:00:00 gone"
    assert began == "0 of 1 case; 0:00:00 gone, the time left is not known yet"
    assert done == "1 of 1 case; 0:00:00 gone"


def test_without_the_lab_the_command_says_what_to_install(
    flare22: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("medxai.cli.evaluate.entry_points", lambda **wanted: ())
    assert evaluate(flare22, tmp_path) == 2
    assert "pip install 'medxai[lab]'" in capsys.readouterr().err


def test_without_a_package_of_the_lab_the_command_names_it(
    flare22: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name in [name for name in sys.modules if name.partition(".")[0] == "medxai_lab"]:
        monkeypatch.delitem(sys.modules, name)  # as in a process that has not imported the lab yet
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert evaluate(flare22, tmp_path) == 2
    assert "pandas is missing; install it with: pip install 'medxai[lab]'" in capsys.readouterr().err


def test_the_checks_of_a_kept_case_come_back_as_they_were():
    """A cohort with sanity checks once ended in a traceback where its tables were written."""
    verdict = SanityVerdict(
        "random weights", MapId("medxai", "stage3", "neck"), 0.2, 0.9, True, "It fell.", (("neck", 0.4),)
    )
    box = PixelBox(1, 2, 3, 4)
    outcome = CaseOutcome("ct", "p", ChosenCase("ct/liver/axial 1", "liver", 5, "axial", 1, box), verdicts=(verdict,))
    assert _outcome(json.loads(json.dumps(asdict(outcome)))).verdicts == (verdict,)
