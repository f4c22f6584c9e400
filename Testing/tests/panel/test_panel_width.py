"""Nothing is cut in a narrow panel, whatever part is unfolded."""

from pathlib import Path

import pytest
from PySide6 import QtWidgets

from medxai.models.registry import checkpoints
from stand_ins.panel_bench import PanelBench

PARTS = ("caseSection", "modelSection", "methodSection", "resultSection", "settingsSection")
#: What a list's arrow and frame take at most, in pixels.
_ARROW_PX = 34


@pytest.fixture(params=[360, 500])
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def unfolded(explained: PanelBench, tmp_path: Path, width: int) -> PanelBench:
    """All parts open, after an explanation, with the model that has to be fetched and Slicer's longest texts."""
    for part in PARTS:
        getattr(explained.ui, part).collapsed = False
    explained.choose("modelSelector", "medsam")
    explained.settle()
    explained.picture(tmp_path / "panel.png", width)  # lays everything out
    return explained


def test_no_text_is_wider_than_its_place(unfolded: PanelBench, width: int) -> None:
    real = unfolded.parent._real
    assert real.width() == width, "the panel does not become so narrow"
    cut = []
    for widget in real.findChildren(QtWidgets.QWidget):
        if not widget.isVisibleTo(real) or not isinstance(widget, (QtWidgets.QAbstractButton, QtWidgets.QLabel)):
            continue
        if isinstance(widget, QtWidgets.QLabel) and widget.wordWrap():
            continue
        if widget.width() < widget.minimumSizeHint().width():
            cut.append((widget.objectName(), widget.width(), widget.minimumSizeHint().width()))
    assert cut == []


@pytest.mark.parametrize("shown", ["stage3Button", "contourButton"])
def test_wrapped_text_has_the_height_that_it_needs(
    unfolded: PanelBench, width: int, shown: str, tmp_path: Path
) -> None:
    unfolded.click(shown)
    unfolded.settle()
    unfolded.picture(tmp_path / "panel.png", width)
    real = unfolded.parent._real
    for label in real.findChildren(QtWidgets.QLabel):
        if label.isVisibleTo(real) and label.wordWrap() and label.text():
            assert label.height() >= label.heightForWidth(label.width()), label.objectName()


def test_models_and_comparisons_can_be_told_apart_in_their_lists(unfolded: PanelBench) -> None:
    box = unfolded.ui.modelSelector._real
    texts = [box.itemText(index) for index in range(box.count())]
    assert len(set(texts)) == len(checkpoints())
    for text in texts:
        assert box.fontMetrics().horizontalAdvance(text) <= box.width() - _ARROW_PX, text


def test_a_folded_part_takes_the_room_of_its_heading(unfolded: PanelBench, tmp_path: Path, width: int) -> None:
    heights = []
    for is_folded in (False, True):
        unfolded.ui.methodSection.collapsed = is_folded
        unfolded.picture(tmp_path / "panel.png", width)
        heights.append(unfolded.ui.methodSection._real.height())
    assert heights[1] < 30 < heights[0]
