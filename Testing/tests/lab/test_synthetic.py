"""The generator of made-up slices: reproducible, and its answers fit its questions."""

import hashlib

import numpy as np
import pytest

from medxai_lab.synthetic import anatomy
from medxai_lab.synthetic.appearance import random_appearance
from medxai_lab.synthetic.boxes import drawn_box, tight_box
from medxai_lab.synthetic.rendering import render
from medxai_lab.synthetic.samples import make_sample
from medxai_lab.synthetic.scene import Canvas, Scene, Tissue
from medxai_lab.synthetic.storage import SceneStore, make_shard

#: A seed that draws a scene of the family, and the scene's digest: the shipped weights were trained on these very scenes.
DRAWN = {
    "head": (0, "0e335fc632d8abcd"),
    "thorax": (1, "4d17d75986929239"),
    "abdomen": (2, "1e9c5c8dbe719e91"),
    "partition": (4, "5893a31376cab667"),
    "packing": (5, "ddee8176168ae666"),
    "limbs": (15, "1550f062d7528c07"),
}


def scene(seed: int = 3) -> Scene:
    return anatomy.random_scene(np.random.default_rng(seed))


def test_same_seed_gives_the_same_slice_and_another_seed_another():
    first = make_sample(np.random.default_rng(5), scene(), 64, 3)
    again = make_sample(np.random.default_rng(5), scene(), 64, 3)
    other = make_sample(np.random.default_rng(6), scene(), 64, 3)
    assert np.array_equal(first.image, again.image) and np.array_equal(first.boxes, again.boxes)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize(("seed", "digest"), DRAWN.values(), ids=DRAWN)
def test_a_seed_draws_the_scene_that_it_has_always_drawn(seed: int, digest: str):
    found, drawn = hashlib.sha256(), scene(seed)
    for array in (drawn.labels, drawn.tissue, drawn.parent, drawn.target):
        found.update(array.tobytes())
    assert found.hexdigest()[:16] == digest


@pytest.mark.parametrize("family", anatomy.FAMILIES)
def test_every_family_offers_structures_of_different_sizes(family):
    canvas = Canvas()
    anatomy.FAMILIES[family](np.random.default_rng(1), canvas)
    made = canvas.finish()
    counts = made.members() @ np.bincount(made.labels.ravel(), minlength=len(made.parent))
    sizes = counts[made.target & (counts > 0)]
    assert len(sizes) >= 3
    assert sizes.max() > 2 * sizes.min()


def test_a_structure_includes_its_parts():
    canvas = Canvas()
    square = np.zeros(canvas.labels.shape, bool)
    square[20:60, 20:60] = True
    organ = canvas.add(square, Tissue.ORGAN)
    lesion_mask = np.zeros_like(square)
    lesion_mask[30:40, 30:40] = True
    lesion = canvas.add(lesion_mask, Tissue.LESION, parent=organ)
    made = canvas.finish()
    members = made.members()
    assert np.array_equal(members[organ][made.labels], square)
    assert np.array_equal(members[lesion][made.labels], lesion_mask)


def test_disconnected_pieces_are_asked_for_one_by_one():
    canvas = Canvas()
    pieces = np.zeros(canvas.labels.shape, bool)
    pieces[20:60, 20:60] = pieces[100:110, 100:110] = True
    canvas.add(pieces, Tissue.ORGAN)
    made = canvas.finish()
    sizes = sorted(int((made.labels == label).sum()) for label in np.flatnonzero(made.target))
    assert sizes == [100, 1600]


@pytest.mark.parametrize("seed", range(6))
def test_boxes_images_and_masks_fit_together(seed):
    sample = make_sample(np.random.default_rng(seed), scene(seed), 96, 4)
    assert sample.image.shape == (96, 96) and sample.image.dtype == np.float32
    assert sample.image.min() == 0.0 and sample.image.max() == 1.0
    for box, mask in zip(sample.boxes, sample.masks, strict=True):
        tight = tight_box(mask)
        sides = np.tile(tight[2:] - tight[:2], 2)
        slack = 0.21 * sides + 20 / 1024 * 96 + 1.0
        assert (np.abs(box - tight) <= slack).all()
    for region in np.unique(sample.regions):
        if region:
            found = tight_box(sample.regions == region) / 96
            assert np.allclose(sample.extents[region], found)


def test_drawn_boxes_stay_on_the_slice_and_miss_both_ways():
    rng = np.random.default_rng(0)
    tight = np.array([0, 10, 60, 64], np.float32)
    boxes = np.stack([drawn_box(rng, tight, 64) for _ in range(200)])
    assert boxes.min() >= 0 and boxes.max() <= 64
    assert (boxes[:, 1] < 10).any() and (boxes[:, 1] > 10).any()
    assert (boxes[:, 2:] - boxes[:, :2] >= 1).all()


def test_structures_differ_from_one_another_in_the_image():
    labels = np.zeros((64, 64), np.uint8)
    labels[16:48, 16:48] = 1
    visible = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = Scene(
            labels, np.array([Tissue.AIR, Tissue.ORGAN], np.uint8), np.array([0, 1], np.uint8), np.array([False, True])
        )
        image = render(rng, labels, random_appearance(rng, made))
        inside, outside = image[20:44, 20:44], image[labels == 0]
        visible += abs(inside.mean() - outside.mean()) > inside.std() / 4
    assert visible >= 17  # a few are drowned in noise on purpose


def test_shards_are_reproducible_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("medxai_lab.synthetic.storage.SHARD_SCENES", 2)
    one, two = make_shard(tmp_path, 0, 4), make_shard(tmp_path, 1, 4)
    stamp = one.stat().st_mtime_ns
    assert make_shard(tmp_path, 0, 4).stat().st_mtime_ns == stamp
    store = SceneStore([one, two])
    expected = anatomy.random_scene(np.random.default_rng((4, 1, 0)))
    assert len(store) == 4
    assert np.array_equal(store[2].labels, expected.labels)
    assert np.array_equal(store[2].target, expected.target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scenes_4_0000.npz", "scenes_4_0001.npz"]


def test_an_empty_mask_has_no_box():
    with pytest.raises(ValueError, match="empty mask"):
        tight_box(np.zeros((4, 4), bool))
