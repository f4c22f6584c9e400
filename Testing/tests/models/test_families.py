"""A model family is one file: dropped into a plug-in folder it is listed, recognised, loaded and used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from medxai.errors import ModelError
from medxai.models.default_model import default_model
from medxai.models.family import ModelFamily
from medxai.models.registry import checkpoints, families, family_recognising, model_family, registered
from medxai.models.store import ModelStore

ROOT = Path(__file__).parents[3]

TOY = '''
"""A toy family: the demo model's network under another name of its own."""

from medxai.models.checkpoint import Checkpoint
from medxai.models.family import ModelFamily, Pace
from medxai.models.registry import model_family


@model_family
class Toy(ModelFamily):
    """Shows the network the slice upside down."""

    key, title = "toy", "Toy family"
    preference = 99
    checkpoints = (Checkpoint("toy", "Toy SAM", "Toy", "toy.pth", 0, "MIT", "https://example.org/toy"),)

    def recognises(self, names):
        return "toy.mark" in names

    def build(self, state):
        from medxai.models.networks.demo_encoder import load_demo_sam

        return load_demo_sam({name: tensor for name, tensor in state.items() if name != "toy.mark"}), "Toy"

    def prepare(self, grey, size_px, preparation):
        from medxai.model_input.preparing import stretched

        return stretched(grey[::-1], size_px)

    def pace(self, architecture):
        return Pace.MINUTES
'''


@pytest.fixture
def plugged_in(tmp_path):
    """The environment of a process that has the toy family, and its model folder."""
    (tmp_path / "plugins" / "models").mkdir(parents=True)
    (tmp_path / "plugins" / "models" / "toy.py").write_text(TOY, encoding="utf-8")
    return {
        **os.environ,
        "MEDXAI_PLUGINS": str(tmp_path / "plugins"),
        "MEDXAI_MODELS": str(tmp_path / "store"),
        "PYTHONPATH": str(ROOT / "MedXAI"),
    }


def run(environment, *arguments):
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_family_in_a_plug_in_folder_is_listed_by_the_command_line(plugged_in):
    listed = run(plugged_in, "-m", "medxai.cli.main", "models", "list")
    assert "Toy SAM; MIT; https://example.org/toy" in listed
    assert "LiteMedSAM" in listed


def test_a_family_in_a_plug_in_folder_is_in_the_sessions_list_without_torch(plugged_in):
    said = run(
        plugged_in,
        "-c",
        "import sys\n"
        "from medxai.models.store import ModelStore\n"
        "from MedXAILib.session.model_list import model_statuses, preferred\n"
        "store = ModelStore()\n"
        "(toy,) = [m for m in model_statuses(store, '') if m.name == 'toy']\n"
        "print(toy.title, toy.pace.value, toy.is_here, preferred(model_statuses(store, '')))\n"
        "store.folder.mkdir(); toy.path.write_bytes(b'')\n"
        "print(preferred(model_statuses(store, '')))\n"
        "print([name for name in ('torch', 'skimage', 'PIL', 'segment_anything') if name in sys.modules])",
    )
    assert said.splitlines() == ["Toy SAM minutes False demo", "toy", "[]"]


def test_a_family_in_a_plug_in_folder_segments_from_a_checkpoint_known_by_its_names(plugged_in, tmp_path):
    said = run(
        plugged_in,
        "-c",
        "import numpy as np, torch\n"
        "from medxai.encoding.encoding import encode\n"
        "from medxai.models.loading import load_model\n"
        "from medxai.segmentation.segmenting import segment\n"
        "from medxai.slice.box import PixelBox\n"
        "demo = load_model('demo')\n"
        f"path = {str(tmp_path / 'any.pth')!r}\n"
        "torch.save({**demo.sam.state_dict(), 'toy.mark': torch.zeros(1)}, path)\n"
        "toy = load_model(path)\n"
        "grey = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)\n"
        "given = toy.convention.prepare(grey)\n"
        "assert np.array_equal(given.tensor_chw, demo.convention.prepare(grey[::-1]).tensor_chw)\n"
        "(found,) = segment(toy, encode(toy, given), [PixelBox(5, 5, 30, 30)])\n"
        "print(toy.family.key, toy.architecture, found.mask.shape, toy.note)",
    )
    assert said.startswith("toy Toy (40, 50)")
    assert "prepared as Toy family wants them" in said


def test_a_broken_plug_in_is_named_in_one_sentence(plugged_in):
    (Path(plugged_in["MEDXAI_PLUGINS"]) / "models" / "broken.py").write_text("import no_such_module", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "medxai.cli.main", "models", "list"],
        env=plugged_in,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "'broken' cannot be used (No module named 'no_such_module')" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_and_keys_are_unique():
    assert len({family.key for family in families()}) == len(families())
    assert len({checkpoint.name for checkpoint in checkpoints()}) == len(checkpoints())

    class Another(ModelFamily):
        key, title = "demo", "another"

    with pytest.raises(ModelError, match="Two model families have the key 'demo'"):
        model_family(Another)


def test_an_unknown_vit_is_taken_for_medsam_and_nothing_else_is():
    vit = ["image_encoder.patch_embed.proj.weight", "image_encoder.blocks.0.attn.qkv.weight"]
    assert family_recognising(vit).key == "medsam"
    assert family_recognising(["fc.weight"]) is None


@pytest.mark.parametrize(
    ("here", "best"),
    [([], "demo"), (["litemedsam"], "litemedsam"), (["sam-vit-b"], "demo"), (["litemedsam", "medsam-hf"], "medsam-hf")],
)
def test_the_default_model_is_the_best_whose_weights_are_here(here, best, tmp_path):
    for name in here:
        with (tmp_path / registered(name).file_name).open("wb") as file:
            file.truncate(registered(name).size_bytes)
    assert default_model(ModelStore(tmp_path)) == best


def test_half_a_file_of_weights_is_not_here(tmp_path):
    (tmp_path / registered("litemedsam").file_name).write_bytes(b"weights")
    assert not ModelStore(tmp_path).has(registered("litemedsam"))
    assert default_model(ModelStore(tmp_path)) == "demo"
