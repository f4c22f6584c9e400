"""A Slicer in which the packages are not installed yet."""

import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from support.panel import ball_volume
from support.scans import ROOT

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")


import slicer

from MedXAILib.session.state import Obstacle
from MedXAILib.session.tasks import NEEDED_MODULES
from stand_ins.panel_bench import PanelBench, panel_bench

REQUIREMENTS = [
    "segment-anything==1.0",
    "scikit-image>=0.22",
    "safetensors>=0.4",
    "matplotlib>=3.8",
    "pydicom>=3.0",
    "nibabel>=5.3",
    "platformdirs>=4",
]
MISSING = ("torch", "no_such_package_of_ours")


class Installers:
    """Slicer's two ways to install packages, noting what they are asked for; `fails`: the network is away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, is_5_10: bool):
        self.calls: list[tuple[str, object]] = []
        self.fails = False
        torch_utils = types.ModuleType("PyTorchUtils")
        torch_utils.__spec__ = ModuleSpec("PyTorchUtils", None)
        torch_utils.PyTorchUtilsLogic = lambda: types.SimpleNamespace(installTorch=self._torch)
        monkeypatch.setitem(sys.modules, "PyTorchUtils", torch_utils)
        if is_5_10:
            monkeypatch.setattr(slicer.util, "pip_install", self._pip, raising=False)
            monkeypatch.delitem(sys.modules, "slicer.packaging", raising=False)
        else:
            packaging = types.ModuleType("slicer.packaging")
            packaging.load_requirements = lambda path: [
                line for line in Path(path).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
            ]
            packaging.pip_ensure = self._ensure
            monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
            monkeypatch.setattr(slicer, "packaging", packaging, raising=False)

    def _torch(self, askConfirmation: bool) -> object:
        assert not askConfirmation, "the user would be asked twice"
        self.calls.append(("torch", None))
        return object()

    def _ensure(self, requirements: list[str], prompt_install: bool, requester: str, skip_in_testing: bool) -> None:
        assert not prompt_install and requester == "MedXAI" and not skip_in_testing
        self._pip(requirements)

    def _pip(self, what: object) -> None:
        if self.fails:
            raise OSError("no route to host")
        self.calls.append(("pip", what))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelBench]:
    monkeypatch.setattr("MedXAILib.session.tasks._is_installed", lambda name: name not in MISSING)
    monkeypatch.setattr("MedXAILib.session.tasks.NEEDED_MODULES", ("numpy", *MISSING))
    with panel_bench(tmp_path) as it:
        assert it.pump(lambda: bool(it.state.missing))
        it.settle()
        yield it


@pytest.fixture(params=[False, True], ids=["5.12", "5.10"])
def installers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Installers:
    return Installers(monkeypatch, request.param)


def test_all_parts_of_the_panel_are_there_and_the_missing_packages_are_named(bench: PanelBench) -> None:
    assert bench.state.obstacles == (Obstacle.PACKAGES,)
    assert bench.ui.installFrame.visible and "no_such_package_of_ours" in bench.ui.installLabel.text
    assert not bench.ui.explainButton.enabled and "torch" in bench.ui.explainButton.toolTip
    for name in ("caseSection", "modelSection", "resultSection", "settingsSection", "limitsLabel"):
        assert getattr(bench.ui, name).visible, name
    bench.load(ball_volume())
    bench.settle()
    bench.click("addButton")
    bench.click("explainButton")
    assert not bench.state.running


def test_one_question_installs_everything_and_the_panel_goes_on(
    bench: PanelBench, installers: Installers, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, _title: questions.append(text) or True)
    monkeypatch.setattr("MedXAILib.session.tasks._is_installed", lambda name: True)
    monkeypatch.setattr("MedXAILib.session.tasks.NEEDED_MODULES", ("numpy",))
    bench.click("installButton")
    assert len(questions) == 1 and "PyTorch" in questions[0] and "no_such_package_of_ours" in questions[0]
    assert [what for what, _ in installers.calls] == ["torch", "pip"]
    assert installers.calls[1][1] in (f'-r "{bench.widget.resourcePath("requirements.txt")}"', REQUIREMENTS)
    bench.start()
    assert not bench.ui.installFrame.visible and bench.state.model is not None


def test_declining_installs_nothing(bench: PanelBench, installers: Installers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_: False)
    bench.click("installButton")
    assert bench.pump(lambda: bool(bench.state.missing)) and not installers.calls and bench.ui.installFrame.visible


def test_without_a_network_the_user_learns_how_to_do_it_by_hand(
    bench: PanelBench, installers: Installers, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(slicer.util, "errorDisplay", said.append)
    installers.fails = True
    bench.click("installButton")
    assert len(said) == 1 and "no route to host" in said[0] and "--no-index" in said[0]


def test_without_the_pytorch_extension_the_user_is_sent_to_the_extensions_manager(
    bench: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(slicer.util, "errorDisplay", said.append)
    bench.click("installButton")
    assert len(said) == 1 and "Extensions Manager" in said[0]


def test_openvino_is_installed_only_for_those_who_choose_it(
    bench: PanelBench, installers: Installers, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_here, answers = [False], iter([False, True, True])
    monkeypatch.setattr("MedXAILib.panel.installing.has_openvino", lambda: is_here[0])
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_: next(answers))
    said = []
    monkeypatch.setattr(slicer.util, "errorDisplay", said.append)
    chosen = bench.ui.encoderSelector._real.currentData
    bench.choose("encoderSelector", "openvino")  # declined
    assert not installers.calls and chosen() == "exact" == bench.state.method.encoder
    installers.fails = True
    bench.choose("encoderSelector", "openvino")
    assert "no route to host" in said.pop() and chosen() == "exact"
    installers.fails = False
    monkeypatch.setattr(
        installers, "_pip", lambda what: (installers.calls.append(("pip", what)), is_here.__setitem__(0, True))
    )
    if hasattr(slicer.util, "pip_install"):
        monkeypatch.setattr(slicer.util, "pip_install", installers._pip)
    bench.choose("encoderSelector", "openvino")
    assert chosen() == "openvino" == bench.state.method.encoder and not said
    assert "openvino" in str(installers.calls[0][1])


def test_what_is_looked_for_and_installed_is_what_the_package_depends_on() -> None:
    root = ROOT
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    of_slicer, of_torch = {"numpy", "scipy", "SimpleITK"}, {"torch", "jinja2"}
    wanted = {re.match(r"[\w-]+", line).group(): line for line in project}
    listed = [
        line
        for line in (root / "MedXAI" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line[0] != "#"
    ]
    assert sorted(listed) == sorted(line for name, line in wanted.items() if name not in of_slicer | of_torch)
    modules = {"scikit-image": "skimage", "segment-anything": "segment_anything"}
    assert set(NEEDED_MODULES) == {modules.get(name, name) for name in wanted} - of_slicer


#: Runs in a fresh interpreter that has none of the packages; prints what the panel offers in it.
WITHOUT_PACKAGES = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from stand_ins.panel_bench import panel_bench
with panel_bench(Path({folder!r})) as bench:
    assert bench.pump(lambda: bench.state.missing, 30)
    bench.settle()
    import slicer
    from MedXAILib.panel.sample_data import load_phantom
    from medxai.models.registry import checkpoints
    models = bench.ui.modelSelector._real
    assert [models.itemData(index) for index in range(models.count())] == [entry.name for entry in checkpoints()]
    assert models.currentData() == "demo" and bench.ui.fileButton.enabled
    (volume,) = load_phantom()
    bench.choose("modelSelector", "medsam")
    assert "375 MB to download" in bench.ui.weightsLabel.text and bench.ui.downloadButton.enabled
    bench.choose("windowSelector", "liver")
    bench.click("addButton")
    assert bench.parameters.volume is volume and bench.parameters.region is not None, bench.ui.statusLabel.text
    for name in ("stage1Button", "sideCheck", "freeButton", "limitsButton", "explainButton"):
        bench.click(name)
    bench.settle()
    assert not bench.ui.explainButton.enabled and bench.ui.installFrame.visible
    print("missing:", *bench.state.missing)
"""


def test_the_whole_panel_and_every_model_are_there_before_any_package_is(tmp_path: Path) -> None:
    absent = (*NEEDED_MODULES, "SimpleITK", "PIL")
    code = WITHOUT_PACKAGES.format(
        paths=[str(ROOT / "Testing"), str(ROOT / "MedXAI")], absent=absent, folder=str(tmp_path)
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == list(NEEDED_MODULES), done.stdout + done.stderr
