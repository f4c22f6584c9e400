"""An explainer of a plug-in folder is evaluated on a cohort like MedXAI's own, in workers of their own too."""

import pytest

from support.data_sets import write_flare22
from support.plugins import folder_with_toy_explainer, run_with_plugins


@pytest.mark.slow
def test_a_cohorts_tables_hold_an_explainer_that_was_dropped_into_a_folder(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs the extra 'lab'")
    pytest.importorskip("pyarrow", reason="needs the extra 'lab'")
    pytest.importorskip("statsmodels", reason="needs the extra 'lab'")
    write_flare22(tmp_path / "data", 1)
    words = ("evaluate", tmp_path / "data", "--layout", "flare22", "--model", "demo", "--output", tmp_path / "out")
    chosen = ("--organs", "liver", "--slices-per-organ", 1, "--explainers", "medxai", "toy", "box", "--workers", 1)
    run_with_plugins(
        folder_with_toy_explainer(tmp_path), "-m", "medxai.cli.main", *words, *chosen, "--families", "localisation"
    )
    rows = pandas.read_parquet(tmp_path / "out" / "figures.parquet")
    assert set(rows.loc[rows["explainer"] == "toy", "role"]) == {"comparison"}
    report = next((tmp_path / "out").glob("*.html")).read_text(encoding="utf-8")
    assert "Toy brightness" in report
