"""The training command: it learns, it goes on where it stopped, and its weights load."""

import csv
import dataclasses

import pytest
import torch

from medxai.models.loading import load_model
from medxai_lab.training.checkpoint import export_weights
from medxai_lab.training.configuration import Configuration, Stage, read_configuration
from medxai_lab.training.loop import train


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return tmp_path_factory.mktemp("scenes")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr("medxai_lab.synthetic.storage.SHARD_SCENES", 3)


def configuration(*sizes: int) -> Configuration:
    stages = tuple(Stage(size, 2, 2, 2, 1e-3, 1e-4) for size in sizes)
    return dataclasses.replace(
        read_configuration(), shards=1, validation_shards=1, validation_slices=2, warmup_steps=1, stages=stages
    )


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, scenes):
    said = []
    through = train(configuration(32, 48), tmp_path / "through", scenes, said.append, every=2, processes=1)
    train(configuration(32), tmp_path / "stopped", scenes, said.append, every=2, processes=1)
    resumed = train(configuration(32, 48), tmp_path / "stopped", scenes, said.append, every=2, processes=1)
    assert "going on from step 2" in said
    one, two = (torch.load(path, weights_only=True) for path in (through, resumed))
    assert one["step"] == two["step"] == 4
    for name, value in one["learner"].items():
        assert torch.allclose(value, two["learner"][name], atol=1e-5), name


def test_a_training_takes_the_steps_that_it_has_always_taken(tmp_path, scenes):
    """To the digits in which machines agree: another order of random numbers changes the first ones."""
    path = train(configuration(32, 48), tmp_path, scenes, lambda line: None, every=2, processes=1)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = [[float(row[name]) for name in ("loss", "dice_loss", "box", "lr")] for row in csv.DictReader(file)]
    assert rows[0] == pytest.approx([13.4276, 0.9562, 0.673, 0.00055], rel=1e-3)
    assert rows[1] == pytest.approx([13.2208, 0.9005, 0.6518, 0.00055], rel=1e-3)
    saved = torch.load(path, weights_only=True)
    sizes = [
        sum(float(value.double().abs().sum()) for value in saved[name].values()) for name in ("learner", "average")
    ]
    assert sizes == pytest.approx([76546.87534, 76190.44917], rel=1e-6)


def test_log_curve_and_weights_are_written_whole(tmp_path, scenes):
    folder = tmp_path / "run"
    checkpoint = train(configuration(32), folder, scenes, lambda line: None, every=1, processes=1)
    with open(folder / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2]
    assert all(0 <= float(row["validation"]) <= 1 for row in rows)
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    weights = tmp_path / "demo.safetensors"
    assert export_weights(checkpoint, weights) == weights.stat().st_size
    assert not [
        path for path in (*folder.iterdir(), *tmp_path.iterdir()) if "tmp" in path.suffixes or path.suffix == ".tmp"
    ]
    assert load_model(weights).architecture == "MedXAI demo encoder"
