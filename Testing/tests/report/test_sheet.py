"""Pictures, lines and words of a drawn page lie where they belong."""

import numpy as np
import pytest

from medxai.report.sheet import Lettering, Sheet

#: Twenty columns of 1 mm and ten rows of 2 mm, one pixel of them bright.
SIZE_MM = (20.0, 20.0)


@pytest.fixture
def grey():
    grey = np.zeros((10, 20), np.uint8)
    grey[3, 12] = 255
    return grey


def extent_of(marked):
    rows, columns = np.nonzero(marked)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_pixel_a_line_and_a_rectangle_of_the_same_place_meet(grey):
    sheet = Sheet(4, 3, 100)
    cell = sheet.cell(1, 0.5, 2, 2, SIZE_MM)
    cell.image(grey, SIZE_MM)
    assert extent_of((np.asarray(sheet.picture())[60:240, 110:290] > 200).all(axis=2)) == (110, 50, 120, 70)
    cell.rectangle(12, 6, 13, 8, edgecolor="red", linewidth=0.72)
    cell.line(np.array([[12.5, 6.0], [12.5, 20.0]]), color="lime", linewidth=0.72)
    red, green, blue = np.moveaxis(np.asarray(sheet.picture(), int), 2, 0)
    x0, y0, x1, y1 = extent_of((red > 200) & (blue < 100) & (green < 100))
    assert max(abs(x0 - 220), abs(y0 - 110), abs(x1 - 230), abs(y1 - 130)) <= 1
    x0, y0, x1, y1 = extent_of((green > 200) & (red < 100))
    assert abs(x0 - 225) <= 1 and x1 - x0 <= 2 and abs(y1 - 250) <= 1


def test_lines_end_at_the_cells_edge():
    sheet = Sheet(4, 3, 100)
    cell = sheet.cell(1, 0.5, 2, 2, SIZE_MM)
    cell.line(np.array([[10.0, 10.0], [40.0, 10.0]]), color="red", linewidth=2)
    cell.rectangle(-5, -5, 5, 5, edgecolor="red", linewidth=2)
    red = np.asarray(sheet.picture(), int)
    x0, y0, x1, y1 = extent_of((red[..., 0] > 200) & (red[..., 1] < 100))
    assert x0 >= 99 and y0 >= 49 and x1 <= 301 and y1 <= 251


def test_a_picture_that_is_not_square_is_not_stretched_and_lies_in_the_middle(grey):
    cell = Sheet(4, 3, 100).cell(0, 0, 2, 1, SIZE_MM)
    assert (cell.left, cell.top, cell.width, cell.height) == (0.5, 0, 1, 1)


def test_an_inset_shows_its_window_larger_and_hides_what_lies_under_it(grey):
    sheet = Sheet(4, 3, 100)
    cell = sheet.cell(1, 0.5, 2, 2, SIZE_MM)
    cell.image(grey, SIZE_MM)
    cell.line(np.array([[0.0, 15.0], [20.0, 15.0]]), color="red", linewidth=2)
    cell.inset((0.0, 0.5, 0.5, 0.5), (10.0, 4.0, 5.0, 5.0)).image(grey, SIZE_MM)
    inset = np.asarray(sheet.picture(), int)[151:249, 101:199]
    assert extent_of((inset > 200).all(axis=2)) == (39, 39, 59, 79)
    assert not (inset[..., 0] > inset[..., 1] + 50).any()


def test_an_inset_beyond_the_edge_stays_empty_there(grey):
    sheet = Sheet(3, 3, 100)
    inset = sheet.cell(0, 0, 2, 2, SIZE_MM).inset((0.0, 0.0, 0.5, 0.5), (-5.0, 0.0, 10.0, 10.0))
    inset.image(grey, SIZE_MM)
    picture = np.asarray(sheet.picture())
    assert (picture[5:95, 2:49] == 255).all() and (picture[5:95, 51:98] == 0).all()


@pytest.mark.parametrize("name", ["liver", "肝脏 $x_1$", "first\nsecond"])
def test_words_in_any_letters_begin_at_their_place(name):
    sheet = Sheet(3, 2, 100)
    sheet.text(1, 1, name, Lettering(12, "lm"))
    x0, y0, x1, y1 = extent_of(np.asarray(sheet.picture())[..., 0] < 128)
    assert abs(x0 - 100) <= 3 and y0 < 100 < y1
    assert x1 - x0 == pytest.approx(100 * max(sheet.length_of(line, Lettering(12)) for line in name.split("\n")), abs=5)
