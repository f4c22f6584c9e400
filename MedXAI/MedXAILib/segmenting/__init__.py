"""From an encoding and a box to a mask, and what the model's prompt looked at on the way."""

from .decoding import Segmentation, segment

__all__ = ["Segmentation", "segment"]
