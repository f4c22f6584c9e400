"""`MedXAILogic` as one uses it in Slicer's Python console, on real MRML; Slicer's own base classes are stood in for."""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from medxai.errors import InputError, ModelError
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import make_volume
from support.models import small_model
from support.scans import ROOT

pytest.importorskip("slicer", reason="needs the package slicer-core")


@pytest.fixture
def logic(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "Testing"))
    from stand_ins import scripted_module

    base = types.ModuleType("slicer.ScriptedLoadableModule")
    vars(base).update(
        {name: getattr(scripted_module, name) for name in dir(scripted_module) if name.startswith("Scripted")}
    )
    words = types.ModuleType("slicer.i18n")
    words.tr, words.translate = scripted_module.translated, scripted_module.translated_in
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", base)
    monkeypatch.setitem(sys.modules, "slicer.i18n", words)
    spec = importlib.util.spec_from_file_location("MedXAIModuleUnderTest", ROOT / "MedXAI" / "MedXAI.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MedXAILogic()


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    torch.save(small_model().sam.state_dict(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


@pytest.fixture
def nodes(scene):
    from medxai.scene import views
    from medxai.scene.bundle import add_volume
    from medxai.scene.regions import roi_of_box

    voxels = np.random.default_rng(0).integers(-200, 300, (8, 30, 40)).astype(np.int16)
    volume = make_volume("CT", voxels, np.diag([-2.0, -2.0, 5.0, 1.0]), "CT")
    node, image = add_volume(scene, volume), slice_of(volume, "axial", 4)
    views.look_at(views.slice_view(scene, "Red"), node, image)
    return node, roi_of_box(scene, "R", PixelBox(8, 6, 24, 20), image, node)


def test_explain_returns_nodes_and_metrics_and_keeps_the_encoding(logic, checkpoint, nodes):
    seen = []
    first = logic.explain(*nodes, model=checkpoint, progress=lambda done, total: seen.append((done, total)))
    assert first.stage_node(3).GetName() == "CT · MedXAI Stage 3 · block 3"
    assert first.segmentation_node.GetSegmentation().GetNumberOfSegments() == 1
    assert first.explanation.encoding.is_new
    assert seen[-1] == (5, 5)
    second = logic.explain(*nodes, model=checkpoint, preset="contour")
    assert not second.explanation.encoding.is_new
    assert (
        np.abs(
            second.explanation.explanation.layers[0].stages[3] - first.explanation.explanation.layers[0].stages[3]
        ).max()
        > 0
    )
    assert logic.explain(*nodes, model=checkpoint, window=(60, 160)).explanation.encoding.is_new
    logic.freeMemory()
    assert logic.explain(*nodes, model=checkpoint).explanation.encoding.is_new


def test_errors_reach_the_console_as_one_sentence(logic, checkpoint, nodes, monkeypatch, tmp_path):
    monkeypatch.setenv("MEDXAI_MODELS", str(tmp_path / "empty"))
    with pytest.raises(ModelError, match="medxai models download medsam"):
        logic.explain(*nodes, model="medsam")
    with pytest.raises(InputError, match="paper or contour"):
        logic.explain(*nodes, model=checkpoint, preset="x")
    with pytest.raises(InputError, match="No volume"):
        logic.explain(None, nodes[1], model=checkpoint)


def test_the_console_can_ask_which_models_there_are(logic):
    assert {"demo", "medsam", "litemedsam", "sam-vit-b"} <= set(logic.modelNames())
