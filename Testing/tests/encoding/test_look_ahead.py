"""Idle time goes to the nearest slices, stops when the user acts, and never costs him what he has."""

import numpy as np
import pytest

from medxai.encoding.cache import EncodingCache
from medxai.engine import Explainer, prepare_slice
from medxai.look_ahead import encode_ahead, neighbours
from medxai.model_input.grey import Window
from medxai.slice.slice_image import oblique_slice_of, slice_of
from medxai.volume.volume import Modality, make_volume
from support.models import small_model


@pytest.fixture(scope="module")
def volume():
    voxels = np.random.default_rng(0).normal(0, 200, (7, 30, 40)).astype(np.float32)
    voxels[6] = -1000  # a slice on which there is nothing to see
    return make_volume("noise", voxels, np.diag([2.0, 2.0, 5.0, 1.0]), Modality.CT)


@pytest.fixture
def explainer():
    return Explainer(small_model(), EncodingCache())


def looked_at(explainer, volume, index=2, **options):
    image = slice_of(volume, "axial", index)
    explainer.encode(prepare_slice(volume, image, explainer.model.convention, **options))
    return image


def is_encoded(explainer, volume, index, **options):
    prepared = prepare_slice(volume, slice_of(volume, "axial", index), explainer.model.convention, **options)
    return not explainer.encode(prepared)[1]


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


def test_an_oblique_slice_has_no_neighbours(volume, explainer):
    plane = np.eye(4)
    plane[:3, 3] = (20, 20, 10)
    image = oblique_slice_of(volume, plane)
    assert list(neighbours(volume, image)) == []
    assert encode_ahead(explainer, volume, image, lambda: False) == 0


def test_neighbours_are_found_in_the_cache_afterwards(volume, explainer):
    image = looked_at(explainer, volume, window=Window(50, 300))
    assert encode_ahead(explainer, volume, image, lambda: False, Window(50, 300)) == 4
    assert len(explainer.cache) == 5
    assert all(is_encoded(explainer, volume, index, window=Window(50, 300)) for index in (0, 1, 3, 4))
    assert encode_ahead(explainer, volume, image, lambda: False, Window(50, 300)) == 0
    assert not is_encoded(explainer, volume, 3)  # another window is another image


def test_a_slice_that_cannot_be_explained_is_passed_over(volume, explainer):
    assert encode_ahead(explainer, volume, looked_at(explainer, volume, 5), lambda: False) == 2  # 4 and 3, not 6


def test_it_stops_at_the_next_block_when_the_user_acts(volume, explainer):
    image = looked_at(explainer, volume)
    assert encode_ahead(explainer, volume, image, lambda: True) == 0
    assert len(explainer.cache) == 1

    asked = []

    def after_the_first_slice_and_a_block() -> bool:
        asked.append(1)
        return len(explainer.cache) == 2 and len(asked) > 8

    assert encode_ahead(explainer, volume, image, after_the_first_slice_and_a_block) == 1
    assert len(explainer.cache) == 2


def test_no_slice_is_even_prepared_once_the_user_acts(volume, explainer, monkeypatch):
    image = looked_at(explainer, volume)
    monkeypatch.setattr("medxai.look_ahead.prepare_slice", lambda *_: pytest.fail("a slice was prepared"))
    assert encode_ahead(explainer, volume, image, lambda: True) == 0


def test_nothing_that_the_user_has_is_dropped_for_it(volume, explainer):
    size = explainer.encode(prepare_slice(volume, slice_of(volume, "axial", 2), explainer.model.convention))[0].nbytes
    cramped = Explainer(explainer.model, EncodingCache(int(size * 2.5)))
    image = looked_at(cramped, volume)
    assert encode_ahead(cramped, volume, image, lambda: False) == 1
    assert is_encoded(cramped, volume, 2)
    full = Explainer(explainer.model, EncodingCache(int(size * 1.5)))
    image = looked_at(full, volume)
    assert encode_ahead(full, volume, image, lambda: False) == 0
    assert is_encoded(full, volume, 2)
