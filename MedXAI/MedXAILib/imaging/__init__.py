"""Volumes, slices, grey values and model inputs: everything before the model, in numpy, scikit-image and SimpleITK.

Volumes, slices and boxes need NumPy and SciPy only; what needs more is imported when it is first used.
"""

from typing import TYPE_CHECKING

from ..on_demand import names_from
from .box import ClippedBox, PixelBox, box_of_mask, clip_box
from .convention import InputConvention
from .grey import WINDOW_PRESETS, GreyRange, Window, grey_range_of, grey_slice
from .labelled_volume import LabelledVolume, labelled
from .orientation import ScreenOrientation, orientation_of, screen_orientation
from .slice_image import PLANE_AXES, OneSliceVolume, SliceImage, as_one_slice_volume, oblique_slice_of, slice_of
from .volume import Modality, Volume, guess_modality, make_volume

if TYPE_CHECKING:
    from .contrast import body_mask, enhance_contrast
    from .model_input import ModelFrame, ModelInput, make_model_input
    from .reading import read_volume

__getattr__ = names_from(
    __name__,
    {
        "body_mask": "contrast",
        "enhance_contrast": "contrast",
        "ModelFrame": "model_input",
        "ModelInput": "model_input",
        "make_model_input": "model_input",
        "read_volume": "reading",
    },
)

__all__ = [
    "PLANE_AXES",
    "WINDOW_PRESETS",
    "ClippedBox",
    "GreyRange",
    "InputConvention",
    "LabelledVolume",
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
    "labelled",
    "make_model_input",
    "make_volume",
    "orientation_of",
    "oblique_slice_of",
    "read_volume",
    "screen_orientation",
    "slice_of",
]
