"""LiteMedSAM prepared officially: input, box and mask are its authors' own, on real CT and MR.

The reference is written after CVPR24_LiteMedSAM_infer.py (bowang-lab/MedSAM, branch LiteMedSAM), with OpenCV itself.
"""

import cv2
import nibabel as nib
import numpy as np
import pytest
import torch

from medxai.cli.main import main
from medxai.encoding.encoding import encode
from medxai.errors import InputError
from medxai.model_input.grey import grey_range_of, grey_slice
from medxai.models.convention import InputConvention
from medxai.models.families.demo import Demo
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.families.sam import MedSam, Sam
from medxai.models.loading import load_model
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox, box_of_mask
from medxai.slice.slice_image import slice_of
from support.repeats import ALL_REPEATS

OFFICIAL = InputConvention(LiteMedSam(), 256, "official")
SLICES = [("ct", 10, "liver"), ("ct", 13, "left kidney"), ("mr", 5, "right kidney"), ("mr", 8, "liver")]


@pytest.fixture(scope="module")
def official():
    if not ModelStore().has(registered("litemedsam")):
        pytest.skip("needs LiteMedSAM's weights; fetch them with 'medxai models download litemedsam'")
    return load_model("litemedsam", preparation="official")


def grey_of(scan, index):
    return grey_slice(slice_of(scan.volume, "axial", index), grey_range_of(scan.volume))


def authors_input(grey):
    """The tensor (1, 3, 256, 256) and the shape that the slice has in it."""
    three = np.repeat(grey[:, :, None], 3, axis=-1)
    scale = 256 / max(grey.shape)
    height, width = (int(n * scale + 0.5) for n in grey.shape)
    small = cv2.resize(three, (width, height), interpolation=cv2.INTER_AREA)
    scaled = (small - small.min()) / np.clip(small.max() - small.min(), a_min=1e-8, a_max=None)
    padded = np.pad(scaled, ((0, 256 - height), (0, 256 - width), (0, 0)))
    return torch.tensor(padded).float().permute(2, 0, 1)[None], (height, width)


def authors_box(box, shape):
    ratio = 256 / max(shape)
    return np.array([int(value * ratio) for value in box.xyxy])


@torch.inference_mode()
def authors_mask(sam, grey, box):
    image, (height, width) = authors_input(grey)
    corners = torch.as_tensor(authors_box(box, grey.shape)[None, None], dtype=torch.float)
    sparse, dense = sam.prompt_encoder(points=None, boxes=corners, masks=None)
    logits, _ = sam.mask_decoder(
        image_embeddings=sam.image_encoder(image),
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )
    shown = torch.nn.functional.interpolate(
        logits[..., :height, :width], size=grey.shape, mode="bilinear", align_corners=False
    )
    return torch.sigmoid(shown).squeeze().numpy() > 0.5


@pytest.mark.parametrize(("name", "index", "organ"), SLICES)
def test_input_and_box_equal_the_authors_byte_for_byte(name, index, organ, request):
    scan = request.getfixturevalue(name)
    grey, box = grey_of(scan, index), box_of_mask(scan.mask(organ, index))
    given, (expected, shape) = OFFICIAL.prepare(grey), authors_input(grey)
    assert given.frame.content_shape == shape
    np.testing.assert_array_equal(given.tensor_chw, expected[0].numpy())
    np.testing.assert_array_equal(OFFICIAL.box_in_model_px(box, given.frame), authors_box(box, grey.shape))


# Each takes both encoders' time; the input is tested on all.
@pytest.mark.parametrize(("name", "index", "organ"), SLICES if ALL_REPEATS else SLICES[1:3])
def test_the_mask_equals_the_authors(name, index, organ, official, request):
    scan = request.getfixturevalue(name)
    grey, box = grey_of(scan, index), box_of_mask(scan.mask(organ, index))
    (ours,) = segment(official, encode(official, official.convention.prepare(grey)), [box])
    expected = authors_mask(official.sam, grey, box)
    assert expected.any()
    np.testing.assert_array_equal(ours.mask, expected)


def test_the_default_differs_from_it_in_interpolation_and_corners(mr):
    grey, box = grey_of(mr, 5), PixelBox(10, 20, 30, 40)
    default = InputConvention(LiteMedSam(), 256)
    ours, theirs = default.prepare(grey), OFFICIAL.prepare(grey)
    assert (ours.tensor_chw != theirs.tensor_chw).any()
    edges = ours.frame.scale_xyxy(np.array([10, 20, 31, 41]))
    np.testing.assert_allclose(default.box_in_model_px(box, ours.frame), edges + 2 * np.array([-1, -1, 1, 1]))
    whole = PixelBox(0, 0, grey.shape[1] - 1, grey.shape[0] - 1)
    height, width = ours.frame.content_shape
    np.testing.assert_array_equal(default.box_in_model_px(whole, ours.frame), [0, 0, width, height])


def test_a_preparation_that_a_family_has_not_got_is_refused():
    for family in (LiteMedSam(), MedSam(), Demo()):
        assert InputConvention(family, 256, "official").sentence
    with pytest.raises(InputError, match="SAM has no preparation 'official'; choose one of default"):
        InputConvention(Sam(), 1024, "official")


@pytest.mark.parametrize(("side", "warned"), [(512, False), (256, False), (128, False), (117, True), (64, True)])
def test_a_slice_that_is_enlarged_more_than_twofold_is_warned_of(side, warned):
    grey = np.random.default_rng(0).integers(0, 255, (side - 20, side), dtype=np.uint8)
    convention = InputConvention(LiteMedSam(), 256)
    said = convention.warning_for(convention.prepare(grey).frame)
    assert bool(said) is warned
    if warned:
        assert f"enlarged {256 / side:.1f}-fold to the model's 256 pixels" in said


def test_the_demo_model_was_trained_on_such_slices_and_warns_of_none():
    convention = InputConvention(Demo(), 256)
    grey = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    assert convention.warning_for(convention.prepare(grey).frame) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("organs", "every", "least"), [("ct", 4 if ALL_REPEATS else 8, 0.92), ("mr", 4, 0.85)])
def test_the_default_reaches_its_dice_on_the_shared_scans(organs, every, least, official, capsys, tmp_path):
    """Of few slices, for the time; all slices: Resources/docs/preparation.md."""
    from support.scans import SHARED_DATA

    labels = {
        5: "liver",
        1: "spleen",
        2: "right-kidney",
        3: "left-kidney",
        **({6: "stomach"} if organs == "ct" else {}),
    }
    scan, reference = tmp_path / "scan.nii.gz", tmp_path / "organs.nii.gz"
    for path, end in ((scan, ""), (reference, "_organs")):
        nib.load(SHARED_DATA / f"{organs}_abdomen{end}.nii.gz").slicer[:, :, ::every].to_filename(path)
    asked = [word for label, name in labels.items() for word in ("--organ", f"{label}={name}")]
    assert main(["dice", str(scan), str(reference), "--model", "litemedsam", "--preparation", "default", *asked]) == 0
    said = capsys.readouterr().out
    assert "default preparation" in said
    mean = next(line for line in said.splitlines() if "mean over organs" in line)
    assert float(mean.split("|")[3]) >= least
