"""Volumes, slices, grey values and model inputs: everything before the model, in numpy, scikit-image and SimpleITK."""

from .box import ClippedBox, PixelBox, box_of_mask, clip_box
from .contrast import body_mask, enhance_contrast
from .grey import WINDOW_PRESETS, GreyRange, Window, grey_range_of, grey_slice
from .model_input import InputConvention, ModelFrame, ModelInput, make_model_input
from .orientation import ScreenOrientation, orientation_of, screen_orientation
from .reading import read_volume
from .slice_image import PLANE_AXES, OneSliceVolume, SliceImage, as_one_slice_volume, oblique_slice_of, slice_of
from .volume import Modality, Volume, guess_modality, make_volume

__all__ = [
    "PLANE_AXES",
    "WINDOW_PRESETS",
    "ClippedBox",
    "GreyRange",
    "InputConvention",
    "Modality",
    "ModelFrame",
    "ModelInput",
    "OneSliceVolume",
    "PixelBox",
    "ScreenOrientation",
    "SliceImage",
    "Volume",
    "Window",
    "as_one_slice_volume",
    "body_mask",
    "box_of_mask",
    "clip_box",
    "enhance_contrast",
    "grey_range_of",
    "grey_slice",
    "guess_modality",
    "make_model_input",
    "make_volume",
    "orientation_of",
    "oblique_slice_of",
    "read_volume",
    "screen_orientation",
    "slice_of",
]
