"""Slicer's Python console: the panel's choices, progress in the status bar, whole help, and the documentation's script."""

import dataclasses
import inspect
import re
import sys

import pytest
import slicer

from medxai.errors import InputError
from medxai.maps import STAGE3
from medxai.models.registry import checkpoints
from MedXAILib.session.choices import ENCODERS, MethodChoices
from stand_ins import sample_data
from stand_ins.panel_bench import PanelBench
from support.scans import ROOT

#: What the panel calls otherwise than the console.
CONSOLE_WORDS = {"all_layers": "layers", "enhance_input": "enhanceInput"}


@pytest.fixture
def module(bench: PanelBench):
    """The module as the console imports it."""
    import MedXAI

    return MedXAI


@pytest.mark.parametrize("name", ["explain", "explainOrgans"])
def test_the_console_has_every_choice_of_the_panel(module, name) -> None:
    arguments = set(inspect.signature(getattr(module.MedXAILogic, name)).parameters)
    wanted = {CONSOLE_WORDS.get(field.name, field.name) for field in dataclasses.fields(MethodChoices)}
    assert wanted <= arguments


@pytest.mark.parametrize("function", ["explain", "explainOrgans"])
def test_help_tells_every_argument_what_comes_back_and_what_is_raised(module, function) -> None:
    explain = getattr(module.MedXAILogic, function)
    text = inspect.getdoc(explain)
    told = text.partition("Args:")[2].partition("Returns:")[0]
    for name in list(inspect.signature(explain).parameters)[1:]:
        assert re.search(rf"^ +{name}: \S", told, re.M), f"help does not tell {name}"
    for encoder in ENCODERS:
        assert f"'{encoder}'" in told
    assert "Raises:" in text and "medxai.scene." in text and "not that" in text


def test_models_and_explainers_are_those_of_the_panel(module, bench: PanelBench) -> None:
    logic, selector = module.MedXAILogic(), bench.ui.modelSelector
    names = [selector.itemData(index) for index in range(selector.count)]
    assert logic.modelNames() == names == [entry.name for entry in checkpoints()]
    compared = {info.key.partition("/")[0] for info in bench.state.comparisons}
    assert compared <= set(logic.explainerNames())


def test_progress_stands_in_the_status_bar_at_once(module, ready: PanelBench) -> None:
    seen = slicer.app.windows[0].bar.seen
    seen.clear()
    logic, parameters = module.MedXAILogic(), ready.parameters
    logic.explain(parameters.volume, parameters.region, parameters.view)
    assert any(re.fullmatch(r"MedXAI: looking at the slice, \d+ of \d+", text) for text in seen), seen
    assert seen[-1] == "MedXAI: finished"
    with pytest.raises(InputError):
        logic.explain(None, parameters.region)
    assert seen[-1] == "MedXAI: finished", "the bar speaks of work that has failed"


def test_own_progress_takes_the_status_bars_place_and_no_window_is_no_harm(
    module, ready: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters, told = ready.parameters, []
    module.MedXAILogic().explain(
        parameters.volume, parameters.region, progress=lambda done, total: told.append((done, total))
    )
    assert told and told[-1][0] <= told[-1][1]
    monkeypatch.setattr(slicer.app, "windows", [])
    module.MedXAILogic().explain(parameters.volume, parameters.region, layers="all")


def test_the_documentations_script_runs_as_it_stands(
    module, bench: PanelBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sample_data.SampleDataLogic, "sources", {})
    monkeypatch.setitem(sys.modules, "SampleData", sample_data)
    monkeypatch.setattr(slicer.modules, "sampleDataSources", {}, raising=False)
    module.registerSampleData()
    page = (ROOT / "Resources" / "docs" / "console.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n# explain_in_slicer\.py\n(.*?)```", page, re.S)
    names: dict = {}
    exec(compile(script, "explain_in_slicer.py", "exec"), names)
    printed = capsys.readouterr().out
    assert int(re.search(r"segmented pixels: (\d+)", printed)[1]) > 1000
    assert "encoded anew: False" in printed and printed.count("MedXAI Stage") == 3
    shown = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(bench.red).GetForegroundVolumeID()
    assert shown == names["smaller"].stage_node(3).GetID()
    assert names["result"].stage_node(3).GetAttribute("MedXAI.Map").startswith(STAGE3.key)
