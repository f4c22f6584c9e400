"""The kind of scan: what says so is kept, a guess says that it is one, and its grey range is sound."""

import numpy as np
import pytest

from medxai.model_input.grey import Window, grey_range_of
from medxai.volume.phantom import make_phantom
from medxai.volume.volume import Modality, ModalitySource, make_volume

HU = make_phantom().volume.voxels
#: Inside of the body: from fat to bone, no air.
INSIDE = np.clip(HU[10:20, 60:110, 70:150], -150, 900)
SIGNAL = np.where(HU > -500, 400 + HU, 0).clip(0)


def guessed(voxels):
    return make_volume("scan", voxels, np.eye(4))


@pytest.mark.parametrize(
    ("voxels", "modality", "said"),
    [
        (HU, Modality.CT, None),
        (np.where(np.arange(216) < 20, -3024, HU), Modality.CT, None),
        (INSIDE, Modality.CT, "may be Hounsfield units"),
        (HU + 1024, Modality.MR, "CT with 1024 added"),
        (INSIDE + 1024, Modality.MR, "CT with 1024 added"),
        (SIGNAL, Modality.MR, None),
        ((SIGNAL - 400.3) / 160, Modality.MR, "it has negative values"),
        (SIGNAL * 1.2 + np.linspace(-350, 0, 216), Modality.MR, "it has negative values"),
        (np.random.default_rng(0).integers(-4096, 4096, (6, 40, 40)), Modality.MR, "it has negative values"),
    ],
)
def test_a_guess_says_that_it_is_one_where_it_may_be_wrong(voxels, modality, said):
    volume = guessed(voxels)
    assert (volume.modality, volume.modality_source) == (modality, ModalitySource.GUESSED)
    assert volume.facts.modality_text == f"{modality.value} (guessed from the values)"
    guesses = [note for note in volume.notes if "modality is not known" in note]
    assert len(guesses) == (said is not None) and all(said in note for note in guesses)


def test_a_modality_that_is_given_is_not_guessed():
    volume = make_volume("scan", HU, np.eye(4), "MR")
    assert (volume.modality, volume.modality_source) == (Modality.MR, ModalitySource.GIVEN)
    assert volume.notes == ()


@pytest.mark.parametrize(
    ("voxels", "said"), [(HU + 1024, "No value of this CT is negative"), (INSIDE, "no air near −1000")]
)
def test_a_ct_that_may_not_be_in_hounsfield_units_is_warned_of_with_the_remedy(voxels, said):
    notes = make_volume("scan", voxels, np.eye(4), "CT").notes
    assert any(said in note and "--window" in note and "--modality" in note for note in notes)
    assert make_volume("scan", HU, np.eye(4), "CT").notes == ()


def test_negative_mr_is_shown_from_its_low_end():
    z_scored = (SIGNAL - 400) / 160
    found = grey_range_of(guessed(z_scored))
    assert found.lower < -2 and found.upper > 0.5 and not found.zero_is_background
    assert "all values" in found.origin


def test_a_masked_background_of_zero_is_black_and_counts_not():
    """Most of the volume is exactly 0; the brain's z-scores are as often negative as positive."""
    z_scored = np.zeros((6, 40, 40))
    inside = np.s_[:, 14:22, 14:24]
    z_scored[inside] = np.random.default_rng(0).normal(size=z_scored[inside].shape)
    found = grey_range_of(guessed(z_scored))
    assert found.zero_is_background and found.lower < -2 and found.upper > 2
    assert "but the background of 0" in found.origin


@pytest.mark.parametrize("modality", [None, "CT"])
def test_hounsfield_units_that_lost_their_sign_get_it_back_and_it_is_said(modality):
    volume = make_volume("scan", HU.astype(np.int16).view(np.uint16), np.eye(4), modality)
    np.testing.assert_array_equal(volume.voxels, HU)
    assert volume.modality is Modality.CT and any("the sign was lost" in note for note in volume.notes)


def test_large_numbers_of_an_mr_are_left_as_they_are():
    large = (SIGNAL.astype(np.int64) * 60).clip(0, 65535).astype(np.uint16)
    assert large.max() > 40000
    for modality in (None, "MR"):
        np.testing.assert_array_equal(make_volume("scan", large, np.eye(4), modality).voxels, large)


@pytest.mark.parametrize(
    ("value", "kind"), [(-9999, np.int16), (-9999, np.float32), (1e20, np.float32), (-32768, np.int16)]
)
def test_a_filling_far_from_all_values_counts_nowhere(value, kind):
    signal = SIGNAL.astype(kind)
    filled = signal.copy()
    filled[:, :30] = value
    volume = make_volume("mr", filled, np.eye(4), "MR")
    assert not volume.measured[:, :30].any() and volume.measured[:, 30:].all()
    assert grey_range_of(volume) == grey_range_of(make_volume("mr", signal[:, 30:], np.eye(4), "MR"))


def test_air_is_no_filling():
    two = np.where(HU[:4] > -500, 40, -1000) + np.arange(4)[:, None, None] * (HU[:4] > -500)
    assert make_volume("ct", two, np.eye(4)).measured is None


def test_ringing_below_zero_changes_nothing():
    ringing = SIGNAL - np.random.default_rng(0).uniform(0, 5, SIGNAL.shape) * (SIGNAL == 0)
    found, plain = (grey_range_of(make_volume("mr", voxels, np.eye(4), "MR")) for voxels in (ringing, SIGNAL))
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper), rel=1e-6)


def test_voxels_without_a_value_move_no_grey_range():
    signal = SIGNAL.astype(np.int16)
    padded = signal.copy()
    padded[:, :30] = -32768
    cut = make_volume("mr", signal[:, 30:], np.eye(4), "MR")
    assert grey_range_of(make_volume("mr", padded, np.eye(4), "MR")) == grey_range_of(cut)


def test_the_grey_range_says_how_it_came_about():
    ct = make_volume("scan", HU, np.eye(4), "CT")
    assert grey_range_of(ct).origin == "the abdominal window, level 40, width 400"
    assert grey_range_of(ct, Window(-600, 1500)).origin == "the chosen window, level -600, width 1500"
    picture = make_volume("p", np.arange(60, dtype=np.uint8).reshape(1, 6, 10), np.eye(4), "picture")
    assert grey_range_of(picture).origin == "the picture's own values"
