"""MedXAI: why did a MedSAM segmentation come out as it did?"""

__version__ = "0.1.0"
