"""A new explainer is one file: dropped into a plug-in folder it is everywhere, without another line."""

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from support.plugins import folder_with_toy_explainer, run_with_plugins
from support.report import Text


@pytest.fixture
def plugins(tmp_path):
    return folder_with_toy_explainer(tmp_path)


#: Runs in one new process, since each takes seconds to import PyTorch.
LISTS = """
import json, sys, types
from medxai.explainers import registry
from MedXAILib.session.tasks import comparison_maps
said = {"keys": list(registry.explainers()), "comparisons": list(registry.groups()["comparisons"])}
said["infos"] = {info.key: info.title for info in comparison_maps()}

from stand_ins import scripted_module
base, words = types.ModuleType("slicer.ScriptedLoadableModule"), types.ModuleType("slicer.i18n")
vars(base).update({n: getattr(scripted_module, n) for n in dir(scripted_module) if n.startswith("Scripted")})
words.tr, words.translate = scripted_module.translated, scripted_module.translated_in
sys.modules |= {"slicer.ScriptedLoadableModule": base, "slicer.i18n": words}
from MedXAI import MedXAILogic
said["console"] = MedXAILogic().explainerNames()
print(json.dumps(said))
"""
#: The folder was listed before, and long ago, as in a session that runs on.
BROKEN = """
import os, sys
from pathlib import Path
from medxai.errors import InputError
from medxai.explainers import registry
folder = Path(sys.argv[1])
os.utime(folder, (1e9, 1e9))
assert "toy" in registry.explainers() and "toy" in registry.explainers()
(folder / "broken.py").write_text("import no_such_package")
for _ in range(2):
    try: registry.explainers()
    except InputError as error: print(error)
"""


def test_it_is_in_the_registry_in_the_sessions_list_for_the_panel_and_in_the_console(plugins):
    pytest.importorskip("slicer", reason="needs the package slicer-core")
    said = json.loads(run_with_plugins(plugins, "-c", LISTS))
    assert "toy" in said["keys"] and "toy" in said["comparisons"]
    assert said["infos"]["toy"] == "Toy brightness"
    assert "medxai/stage3" not in said["infos"]
    assert "toy" in said["console"]


def test_the_command_line_runs_it_and_the_report_and_the_metrics_hold_it(plugins, tmp_path):
    pytest.importorskip("slicer", reason="needs the package slicer-core")
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "picture.png"))
    words = ("explain", tmp_path / "picture.png", "--box", 5, 6, 30, 28, "--model", "demo", "--explainers", "toy")
    run_with_plugins(plugins, "-m", "medxai.cli.main", *words, "--output", tmp_path / "out")
    said = " ".join(Text((tmp_path / "out" / "report.html").read_text(encoding="utf-8")).words)
    assert "Toy brightness" in said
    with (tmp_path / "out" / "figures.csv").open(newline="", encoding="utf-8") as file:
        file.readline()  # the limits
        rows = [row for row in csv.DictReader(file) if row["explainer"] == "toy"]
    assert {row["role"] for row in rows} == {"comparison"}
    assert {"localisation", "complexity"} <= {row["family"] for row in rows}


def test_a_file_that_is_added_later_and_cannot_be_imported_is_named_each_time(plugins):
    said = run_with_plugins(plugins, "-c", BROKEN, plugins / "explainers")
    assert said.count("broken.py' cannot be imported (No module named 'no_such_package')") == 2
    assert "MEDXAI_PLUGINS" in said
