"""An output folder has all files of one result, or is as it was."""

from pathlib import Path

import pytest

from medxai.errors import OutputError
from medxai.report import folder as folders
from medxai.report.folder import whole_or_nothing


def write(folder: Path, text: str, *names: str) -> None:
    with whole_or_nothing(folder) as scratch:
        for name in names:
            (scratch / name).write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() if path.is_file() else "a folder" for path in folder.iterdir()}


def test_a_second_result_takes_the_place_of_the_first(tmp_path):
    write(tmp_path / "out", "first", "a", "b")
    write(tmp_path / "out", "second", "b", "c")
    assert contents(tmp_path / "out") == {"a": "first", "b": "second", "c": "second"}


def test_where_one_file_cannot_take_its_place_all_others_are_as_they_were(tmp_path):
    write(tmp_path, "first", "a", "z")
    (tmp_path / "m").mkdir()
    before = contents(tmp_path)
    with pytest.raises(OutputError, match="m' is a folder, and a file of the result has that name"):
        write(tmp_path, "second", "a", "b", "m", "z")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("last", [1, 2, 3, 4])
def test_a_move_that_is_broken_off_is_undone(tmp_path, monkeypatch, last):
    """On Windows a file that another program has open cannot be replaced; Ctrl-C may come at any time."""
    write(tmp_path, "first", "a", "b")
    moves, replace = [], folders.os.replace

    def failing(source, target):
        moves.append(target)
        if len(moves) == last:
            raise PermissionError(13, "is open in another program")
        replace(source, target)

    monkeypatch.setattr(folders.os, "replace", failing)
    with pytest.raises(OutputError, match="close programs that have one of its files open"):
        write(tmp_path, "second", "a", "b", "c")
    assert contents(tmp_path) == {"a": "first", "b": "first"}
