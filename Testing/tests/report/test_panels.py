"""What is written and drawn on panels.png and slices.png lies where it can be read, on flat slices too."""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from medxai.display_range import DisplayRange
from medxai.engine import Engine
from medxai.limits import LIMITS_STATEMENT
from medxai.report.case_report import case_report_html
from medxai.report.overlay import magnified_side
from medxai.report.panels import cell_inches, write_panels
from medxai.report.pictures import Pictures
from medxai.report.sheet import Cell, Lettering, Sheet
from medxai.report.through_slices import write_montage
from medxai.request import ExplainRequest
from medxai.results import NOT_TOLD, Presence, SliceExplanation
from medxai.slice.box import box_of_mask
from medxai.through_slices.request import VolumeRequest
from support.answered import DEMO
from support.tubes import make_tube

PLAIN = Lettering()


@dataclass(frozen=True)
class Word:
    """Words on a page, with their edges in inches."""

    said: str
    left: float
    top: float
    right: float
    bottom: float
    points: float


@pytest.fixture
def words(monkeypatch):
    """All words of the pages that are drawn."""
    found: list[Word] = []
    write = Sheet.text

    def text(sheet: Sheet, x: float, y: float, said: str, lettering: Lettering = PLAIN) -> None:
        edges = sheet._font(lettering).getbbox(said, anchor=lettering.anchor) if "\n" not in said else (0, 0, 0, 0)
        left, top, right, bottom = (edge / sheet.dpi for edge in edges)
        found.append(Word(said, x + left, y + top, x + right, y + bottom, lettering.points))
        write(sheet, x, y, said, lettering)

    monkeypatch.setattr(Sheet, "text", text)
    return found


@pytest.fixture
def cells(monkeypatch):
    """All cells of the pages that are drawn, in their order."""
    found: list[Cell] = []
    cell = Sheet.cell
    monkeypatch.setattr(Sheet, "cell", lambda *given: found.append(cell(*given)) or found[-1])
    return found


@pytest.fixture(scope="module")
def flat() -> SliceExplanation:
    """A coronal slice five times as wide as high, its box over nearly all of it, which is not told from one over nothing."""
    request = ExplainRequest.of_slice(make_tube("clean", 1).volume, "coronal", 64, model=DEMO)
    result = Engine().explain(request, [(4.0, 2.0, 120.0, 13.0)])[0]
    return replace(result, presence=Presence(0.0, 1.0))


def said(words, text):
    return next(word for word in words if word.said == text)


def test_a_flat_slice_fills_its_cell_and_others_keep_theirs(flat, cells, tmp_path):
    write_panels(flat, tmp_path / "panels.png")
    width, height = cell_inches(48 / 256)
    assert all((one.width, one.height) == pytest.approx((width, height), abs=0.01) for one in cells)
    assert width > 3 and cell_inches(0.8) == (2.5, 2.0) and cell_inches(4) == (2.5, 3.75)


def test_letters_and_scale_of_a_flat_slice_are_off_its_edge_and_its_box(flat, words, cells, tmp_path):
    write_panels(flat, tmp_path / "panels.png")
    first = cells[0]
    for letter in "RLSI":
        word = said(words, letter)
        assert first.left < word.left < word.right < first.left + first.width
        assert first.top < word.top < word.bottom < first.top + first.height
    scale = said(words, "50 mm")
    assert scale.top > first.top + first.height and scale.bottom < said(words, flat.explanation.layers[0].layer).top
    # Its line, black on white, is as long as it says.
    line = np.asarray(Image.open(tmp_path / "panels.png").convert("L"))[round(110 * (first.top + first.height + 0.1))]
    dark = np.flatnonzero(line[: round(110 * scale.left)] < 100)
    assert len(dark) == pytest.approx(110 * 50 / 256 * first.width, abs=2)


def test_the_line_on_a_box_over_nothing_is_apart_from_what_is_above_and_below(flat, words, tmp_path):
    write_panels(flat, tmp_path / "panels.png")
    line, title = said(words, NOT_TOLD), said(words, "a  input with box")
    above = next(word for word in words if word.said.startswith("preset"))
    assert line.top > above.bottom and title.top - line.bottom > 0.08


@pytest.mark.parametrize("room", [1.5, 2.5, 3.75])
def test_a_legend_is_no_wider_than_its_room_and_ends_above_the_next_row(room, words):
    sheet = Sheet(6, 3, 110)
    cell = sheet.cell(1, 1, room, 1, (room, 1.0))
    cell.legend([{"color": "white"}] * 3, ["firm 45%", "soft 45%", "follows your box 100%"], room)
    rows, columns = np.nonzero(np.asarray(sheet.picture().convert("L"))[round(110 * 2.02) :] < 60)
    assert columns.min() >= 109 and columns.max() <= 110 * (1 + room)
    assert room < 2 or rows.max() <= 0.36 * 110
    assert {word.said for word in words} == {"firm 45%", "soft 45%", "follows your box 100%"}


@pytest.mark.parametrize("height", [0.5, 0.65, 0.9, 1.4, 2.2])
@pytest.mark.parametrize("ends", [(0.0, 0.2), (0.0, 0.32), (-0.24, 0.24), (0.0, 14.0)])
def test_the_numbers_of_a_colour_bar_are_two_at_least_and_do_not_touch(height, ends, words):
    Sheet(4, 4, 110).cell(1, 1, 1, height, (1.0, height)).colour_bar(DisplayRange(*ends, True))
    placed = sorted(words, key=lambda word: word.top)
    assert len(placed) >= 2
    assert all(above.bottom < below.top for above, below in pairwise(placed))


def test_a_box_of_one_pixel_is_magnified_with_what_lies_around_it():
    assert magnified_side((3, 3), (360, 300)) > 5 * 3
    assert magnified_side((30, 20), (360, 300)) == 60 and magnified_side((200, 20), (360, 300)) is None


def test_it_is_said_why_two_outlines_of_one_mask_differ(flat, words, tmp_path):
    write_panels(flat, tmp_path / "panels.png")
    rows, columns = flat.explanation.terminal.shape
    assert any(f"on the model's {columns} × {rows} grid" in word.said for word in words)


def test_every_slice_of_the_way_says_its_sides_and_the_limits_can_be_read(words, cells, tmp_path):
    tube = make_tube("clean", 1)
    on_slice = ExplainRequest.of_slice(tube.volume, "axial", 5, model=DEMO)
    result = Engine().explain_volume(VolumeRequest(on_slice, box_of_mask(tube.mask[5]), first=4, last=6))
    write_montage(tmp_path / "slices.png", result)
    for letter in "RL":
        places = [(word.left + word.right) / 2 for word in words if word.said == letter]
        assert len(places) == len(cells) == 3
        side = 0 if letter == "R" else 1
        assert all(
            abs(x - (cell.left + side * cell.width)) < 0.15 * cell.width for x, cell in zip(places, cells, strict=True)
        )
    footer = [word for word in words if word.said and word.said in LIMITS_STATEMENT and len(word.said) > 9]
    assert " ".join(word.said for word in footer) == LIMITS_STATEMENT
    assert min(word.points for word in footer) >= 8
    width = Image.open(tmp_path / "slices.png").width / 100
    assert max(word.right for word in footer) < width
    assert all(above.bottom < below.top for above, below in pairwise(footer))


def test_on_the_page_the_letters_of_a_flat_slice_leave_it_free_and_its_scale_is_off_the_box(flat):
    page, scene = case_report_html(flat), Pictures(flat).scene
    written = {
        text: (float(x), float(y), float(size), anchor)
        for x, y, size, anchor, text in re.findall(
            r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]+)</text>', page
        )
    }
    letters = [one for one in scene.letters if one]
    assert letters
    assert all(written[letter][2] < scene.height / 8 for letter in letters)
    x, y, size, anchor = written[f"{scene.scale_bar:g} mm"]
    assert anchor == "start"
    assert y + size / 2 <= scene.height
    assert x >= 0.05 * scene.width + scene.scale_bar
