"""The panel's rules without Qt and without a scene: an observable object that any front end can show.

Only the standard library and NumPy are imported here, so that a panel is whole before PyTorch is installed.
"""

from .choices import ENCODERS, OWN_MAPS, MapKind, MethodChoices, ViewChoices
from .figures import MapFigures, figures_of, has_map, layer_names_of, layer_shown, map_shown, range_shown
from .model_list import ModelStatus, Pace
from .ports import ScenePort
from .session import Controller
from .situation import Aspect, Lack, Sight, Situation
from .state import Activity, Obstacle, Outcome, Phase, Running, State, Step
from .worker import Hands, Worker
from .workshop import Workshop

__all__ = [
    "ENCODERS",
    "OWN_MAPS",
    "Activity",
    "Aspect",
    "Controller",
    "Hands",
    "Lack",
    "MapFigures",
    "MapKind",
    "MethodChoices",
    "ModelStatus",
    "Obstacle",
    "Outcome",
    "Pace",
    "Phase",
    "Running",
    "ScenePort",
    "Sight",
    "Situation",
    "State",
    "Step",
    "ViewChoices",
    "Worker",
    "Workshop",
    "figures_of",
    "has_map",
    "layer_names_of",
    "layer_shown",
    "map_shown",
    "range_shown",
]
