"""Every case of ../shared/cases through the command line: the right value or one clear sentence, nothing half-written."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from medxai.cli.main import main
from support.cases import CASES, Outcome, command_of, faults
from support.scans import ROOT

pytest.importorskip("slicer", reason="needs the package slicer-core")


def _maker():
    if not (CASES / "make_cases.py").exists():
        return None
    spec = importlib.util.spec_from_file_location("make_cases", CASES / "make_cases.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_cases"] = module  # its data classes look themselves up there
    spec.loader.exec_module(module)
    return module


MAKER = _maker()


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKER.cases_of(MAKER) if MAKER else ["none"])
def test_the_case_is_read_right_or_refused_in_one_sentence(name, tmp_path, capfd, monkeypatch):
    if MAKER is None:
        pytest.skip("needs ../shared/cases/make_cases.py, which is not there")
    monkeypatch.chdir(ROOT)  # the checkpoint of one case is made from the demo model's weights below
    MAKER.make(MAKER.cases_of(MAKER), tmp_path / "cases", name)
    case, before = tmp_path / "cases" / name, None
    before = sorted(case.rglob("*"))
    capfd.readouterr()
    status = main(command_of(case, tmp_path / "out"))
    said = capfd.readouterr()
    assert not faults(case, Outcome(status, said.out, said.err, tmp_path / "out"))
    assert sorted(case.rglob("*")) == before, "something was left beside the input"


def test_a_console_that_lacks_letters_ends_no_command(tmp_path):
    """Code page 1252 has no Chinese letters: the name is written in numbers, and everything is there."""
    folder = tmp_path / "腹部"
    done = subprocess.run(
        [sys.executable, "-m", "medxai.cli.main", "explain", str(folder / "扫描.nii.gz"), "--box", "1", "1", "5", "5", "--output", str(tmp_path / "out")],
        env={"PYTHONPATH": str(ROOT / "MedXAI"), "PYTHONIOENCODING": "cp1252", "PATH": "", "HOME": str(Path.home())},
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert rb"\u8179\u90e8" in done.stderr
