"""The gradient-free explainer: references, three stages at every layer, figures and honest display."""

from .concentration import Concentration, Narrowing, concentration_of
from .display import DisplayRange, display_range, for_display
from .explanation import STAGES, Explanation, LayerMaps, explain
from .parameters import ExplainerParameters, Preset, parameters_for

__all__ = [
    "STAGES",
    "Concentration",
    "DisplayRange",
    "Explanation",
    "ExplainerParameters",
    "LayerMaps",
    "Narrowing",
    "Preset",
    "concentration_of",
    "display_range",
    "explain",
    "for_display",
    "parameters_for",
]
