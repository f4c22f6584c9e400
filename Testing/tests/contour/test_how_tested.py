"""What is said of the check's tests depends on the weights, and the page on the check says the same."""

from dataclasses import replace

import pytest

from medxai.contour.how_tested import how_tested
from medxai.models.registry import registered
from medxai.results import ModelIdentity
from support.scans import ROOT

PAGE = (ROOT / "Resources" / "docs" / "contour_check.md").read_text(encoding="utf-8")


def identity(name: str, checksum: str | None = None) -> ModelIdentity:
    one = registered(name)
    return ModelIdentity(name, one.title, "", "default", 256, checksum or one.sha256 or "unknown", "cpu")


@pytest.mark.parametrize("name, columns", [("litemedsam", (1, 2)), ("demo", (3, 4))])
def test_each_model_that_was_tested_has_its_own_figures_those_of_the_page(name: str, columns: tuple[int, int]) -> None:
    said = how_tested(identity(name))
    row = next(line for line in PAGE.splitlines() if line.startswith("| **tolerance**")).split("|")
    assert registered(name).title.partition(" (")[0] in said and "two patients" in said
    for column in columns:
        assert row[column + 1].strip() in said


def test_of_other_weights_nothing_is_claimed() -> None:
    lite = identity("litemedsam")
    strangers = [
        identity("medsam"),
        identity("demo", "0" * 64),  # a file of the same name
        replace(lite, preparation="official"),
        replace(lite, checksum_sha256="random weights"),
    ]
    for model in strangers:
        said = how_tested(model)
        assert "not been tested with this model" in said and "AUROC" not in said and model.title in said
