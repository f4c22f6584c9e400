"""The contour check in what leaves MedXAI: contour.csv, the record, the panels and the page."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import image as pictures

from medxai.contour.how_tested import how_tested
from medxai.contour.look import LOOKS, kinds_sentence
from medxai.contour.result import ContourKind
from medxai.engine import Engine
from medxai.limits import LIMITS_STATEMENT
from medxai.report.case_report import case_report_html
from medxai.report.contour_file import write_contour
from medxai.report.panels import write_panels
from medxai.report.record import record_of
from medxai.request import ExplainRequest
from medxai.slice.orientation import orientation_of
from support import answered
from support.report import FORBIDDEN, Text


@pytest.fixture(scope="module")
def result():
    """The phantom's liver with the whole check, and stretches of every kind."""
    case = answered.phantom_case("liver")
    check = Engine().check_contour(case.request, case.result)
    tolerance = check.tolerance_mm_per_logit.copy()
    tolerance[: len(check) // 3] = 0.2
    follows = check.follows_box.copy()
    follows[: 2 * len(check) // 3] /= 100
    tolerance[len(check) // 3 :] = np.maximum(tolerance[len(check) // 3 :], 1.5)
    follows[2 * len(check) // 3 :, 1] = 0.7
    return replace(case.result, contour=replace(check, tolerance_mm_per_logit=tolerance, follows_box=follows))


def test_the_file_has_one_row_a_point_and_says_how_it_was_tested(result, tmp_path):
    write_contour(tmp_path / "contour.csv", result)
    limits, tested, *lines = (tmp_path / "contour.csv").read_text(encoding="utf-8").splitlines()
    assert limits == f"# {LIMITS_STATEMENT}" and tested == f"# {how_tested(result.model)}"
    rows = list(csv.DictReader(lines))
    check = result.contour
    assert len(rows) == len(check)
    place = np.array([[float(row[axis]) for axis in "ras"] for row in rows])
    np.testing.assert_allclose(place, check.points_ras_mm, atol=6e-4)
    edges = np.array(
        [[float(row[name]) for name in row if name.startswith("follows_") and name != "follows_box"] for row in rows]
    )
    np.testing.assert_allclose(edges.sum(axis=1), [float(row["follows_box"]) for row in rows], rtol=2e-3, atol=1e-6)
    assert [row["kind"] for row in rows] == [str(kind) for kind in check.kind]


def test_what_was_not_looked_at_is_empty_and_said(result, tmp_path):
    half = replace(result.contour, follows_box=None)
    write_contour(tmp_path / "contour.csv", replace(result, contour=half))
    rows = list(csv.DictReader((tmp_path / "contour.csv").read_text(encoding="utf-8").splitlines()[2:]))
    assert {row["follows_box"] for row in rows} == {""} and "follows the box" not in {row["kind"] for row in rows}
    assert "was not looked at" in kinds_sentence(half)
    record = record_of(replace(result, contour=half))["contour"]
    assert record["share_of_length"]["follows_box"] is None
    html = case_report_html(replace(result, contour=half))
    assert "was not looked at" in html and LOOKS[ContourKind.FOLLOWS_BOX].colour not in html


def test_the_record_has_the_shares_and_the_same_in_words(result):
    record = json.loads(json.dumps(record_of(result)))["contour"]
    assert sum(record["share_of_length"].values()) == pytest.approx(1)
    for kind, share in (("firm", "firm"), ("soft", "soft"), ("follows_box", "follows your box")):
        assert f"{record['share_of_length'][kind]:.0%}" in record["sentence"] and share in record["sentence"]
    assert record["soft_tolerance_mm_per_logit"] >= 1 and record["how_tested"] == how_tested(result.model)


def test_the_page_draws_three_kinds_with_a_legend_in_words(result):
    html = case_report_html(result)
    text = Text(html)
    said = " ".join(text.words)
    for kind, look in LOOKS.items():
        assert html.count(look.colour) >= 2 and look.sentence in said
        assert f"{result.contour.share[kind]:.0%} of the outline." in said
    assert how_tested(result.model) in said and not FORBIDDEN.findall(said.replace(LIMITS_STATEMENT, ""))
    assert len({look.width for look in LOOKS.values()}) == len({look.dash for look in LOOKS.values()}) == 3


def test_the_panels_show_the_kinds_where_they_are_and_nothing_without_an_outline(result, tmp_path):
    def amount(shown, colour):
        """Pixels of about a colour."""
        wanted = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        write_panels(shown, tmp_path / "panels.png")
        return int((np.abs(pictures.imread(tmp_path / "panels.png")[..., :3] - wanted).max(axis=2) < 0.03).sum())

    firm = replace(
        result.contour,
        follows_box=np.zeros((len(result.contour), 4)),
        tolerance_mm_per_logit=result.contour.tolerance_mm_per_logit * 0 + 0.1,
    )
    soft, box = LOOKS[ContourKind.SOFT].colour, LOOKS[ContourKind.FOLLOWS_BOX].colour
    legend = amount(replace(result, contour=firm), soft), amount(replace(result, contour=firm), box)
    assert amount(result, soft) > legend[0] + 20 and amount(result, box) > legend[1] + 20


def test_a_slice_that_is_turned_to_be_upright_has_its_outline_on_the_mask():
    """Points go the same way as pixels, whichever way the slice is turned."""
    volume = answered.make_phantom().volume
    for plane in ("axial", "coronal", "sagittal"):
        request = ExplainRequest.of_slice(
            volume, plane, volume.shape_ijk[{"axial": 2, "coronal": 1, "sagittal": 0}[plane]] // 2
        )
        turn, shape = orientation_of(request.image), request.image.shape
        marked = np.zeros(shape, bool)
        marked[2, 5] = True
        row, column = np.argwhere(turn.upright(marked))[0]
        np.testing.assert_allclose(turn.upright_points(np.array([[5.0, 2.0]]), shape), [[column + 0.5, row + 0.5]])
