"""Idle time goes to the nearest slices, stops when the user acts, and never drops what the user looks at."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medxai.engine import Engine, neighbours
from medxai.model_input.grey import Window
from medxai.progress import RunControl
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.slice_image import oblique_slice_of, slice_of
from medxai.volume.volume import Modality, make_volume
from support.models import small_model

BOX = (5, 5, 20, 20)
CANCELLED = RunControl(is_cancelled=lambda: True)


@pytest.fixture(scope="module")
def volume():
    voxels = np.random.default_rng(0).normal(0, 200, (7, 30, 40)).astype(np.float32)
    voxels[6] = -1000  # a slice on which there is nothing to see
    return make_volume("noise", voxels, np.diag([2.0, 2.0, 5.0, 1.0]), Modality.CT)


@pytest.fixture(scope="module")
def choice(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.pth"
    torch.save(small_model().sam.state_dict(), path)
    return ModelChoice(path, "cpu")


@pytest.fixture
def engine():
    return Engine()


def looked_at(engine, volume, choice, index=2, **options):
    """A request whose slice the user has looked at."""
    request = ExplainRequest.of_slice(volume, "axial", index, model=choice, **options)
    engine.segment(request, [BOX])
    return request


def on(request, index):
    return replace(request, image=slice_of(request.volume, "axial", index))


def encodings(engine, request):
    """How many slices' encodings are kept: all of this model and size take the same."""
    size = Engine()
    size.segment(request, [BOX])
    return engine.held_bytes / size.held_bytes


def test_nothing_is_encoded_ahead_before_the_user_has_a_model(volume, choice, engine):
    request = ExplainRequest.of_slice(volume, "axial", 2, model=choice)
    assert engine.look_ahead(request) == 0
    looked_at(engine, volume, choice)
    assert engine.look_ahead(replace(request, model=ModelChoice("demo"))) == 0


@pytest.mark.parametrize(
    ("plane", "index", "expected"),
    [
        ("axial", 3, [4, 2, 5, 1]),
        ("axial", 0, [1, 2]),
        ("axial", 6, [5, 4]),
        ("coronal", 29, [28, 27]),
        ("sagittal", 20, [21, 19, 22, 18]),
    ],
)
def test_the_nearest_slices_come_first_and_only_those_that_exist(volume, plane, index, expected):
    found = list(neighbours(volume, slice_of(volume, plane, index)))
    assert [image.index for image in found] == expected
    assert {image.plane for image in found} == {plane}


def test_an_oblique_slice_has_no_neighbours(volume, choice, engine):
    plane = np.eye(4)
    plane[:3, 3] = (20, 20, 10)
    image = oblique_slice_of(volume, plane)
    assert list(neighbours(volume, image)) == []
    assert engine.look_ahead(replace(looked_at(engine, volume, choice), image=image)) == 0


def test_neighbours_are_found_in_the_cache_afterwards(volume, choice, engine):
    request = looked_at(engine, volume, choice, window=Window(50, 300))
    assert engine.look_ahead(request) == 4
    assert encodings(engine, request) == 5
    for index in (0, 1, 3, 4):
        assert engine.is_encoded(on(request, index))
        assert not engine.explain(on(request, index), [BOX])[0].encoding.is_new
    assert engine.look_ahead(request) == 0
    another_window = replace(on(request, 3), window=None)  # is another image
    assert not engine.is_encoded(another_window)
    assert engine.explain(another_window, [BOX])[0].encoding.is_new


def test_a_slice_that_cannot_be_explained_is_passed_over(volume, choice, engine):
    assert engine.look_ahead(looked_at(engine, volume, choice, 5)) == 2  # 4 and 3, not 6


def test_it_stops_at_the_next_block_when_the_user_acts(volume, choice, engine):
    request = looked_at(engine, volume, choice)
    size = engine.held_bytes
    assert engine.look_ahead(request, CANCELLED) == 0
    assert engine.held_bytes == size

    asked = []

    def after_the_first_slice_and_a_block() -> bool:
        asked.append(1)
        return engine.held_bytes == 2 * size and len(asked) > 8

    assert engine.look_ahead(request, RunControl(is_cancelled=after_the_first_slice_and_a_block)) == 1
    assert engine.held_bytes == 2 * size


def test_no_slice_is_even_prepared_once_the_user_acts(volume, choice, engine, monkeypatch):
    request = looked_at(engine, volume, choice)
    for work in ("grey_slice", "enhance_contrast"):
        monkeypatch.setattr(f"medxai.engine.{work}", lambda *_: pytest.fail("a slice was prepared"))
    assert engine.look_ahead(request, CANCELLED) == 0


def test_nothing_that_the_user_has_is_dropped_for_it(volume, choice, engine):
    looked_at(engine, volume, choice)
    size = engine.held_bytes
    cramped = Engine(budget_bytes=int(size * 2.5))
    request = looked_at(cramped, volume, choice)
    assert cramped.look_ahead(request) == 1
    assert cramped.is_encoded(request)
    full = Engine(budget_bytes=int(size * 1.5))
    request = looked_at(full, volume, choice)
    assert full.look_ahead(request) == 0
    assert full.is_encoded(request)
