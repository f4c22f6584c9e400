"""`medxai evaluate --families contour` from scans to tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra 'lab'")
pytest.importorskip("statsmodels", reason="needs the extra 'lab'")

import pandas as pd

from medxai.cli.main import main
from support.data_sets import InlineSlot, write_flare22

pytestmark = pytest.mark.usefixtures("threads")


def test_the_contour_check_is_measured_without_explainers_and_goes_on_where_it_was(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("medxai_lab.cohort.slots.LocalSlot", InlineSlot)
    write_flare22(tmp_path / "data", 2)
    asked = ["evaluate", str(tmp_path / "data"), "--layout", "flare22", "--model", "demo", "--layers", "neck"]
    asked += [
        "--families",
        "contour",
        "--organs",
        "liver",
        "--slices-per-organ",
        "1",
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*asked, "--jitter", "0.05", "--jitter-outwards", "0.08"]) == 0
    points = pd.read_parquet(tmp_path / "out" / "contour_points.parquet")
    assert points.case_id.nunique() == 2 and set(points.organ) == {"liver"} and set(points.modality) == {"CT"}
    assert np.isfinite(points.select_dtypes("number")).all().all()
    with (tmp_path / "out" / "contour_auroc.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {"tolerance", "image gradient", "variance over jittered boxes", "near another label"} <= {
        line["score"] for line in lines
    }
    said = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert all(line["low"] == line["high"] == line["ahead_low"] == "" for line in lines if line["slices"] == "1")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Contour check</h2>" in page and "near another label (baseline)" in page and "Learned gain" not in page
    assert "## Contour check" in said and "| explainers | none |" in said and "jitter outwards | 0.08" in said
    # Asked again, nothing is done again; other boxes are another cohort.
    before = (tmp_path / "out" / "contour_points.parquet").read_bytes()
    assert main([*asked, "--jitter", "0.05", "--jitter-outwards", "0.08"]) == 0
    assert (tmp_path / "out" / "contour_points.parquet").read_bytes() == before
    assert main([*asked, "--jitter", "0.05"]) == 2
