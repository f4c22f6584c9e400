"""Where the explainer fails: planted cases with a known answer, and the verdict that was expected before any was run.

`expected` was written first and is never edited; `found` says what came out otherwise. `run_all` finds out;
`python -m MedXAILib.planted` makes the pictures and the page.
"""

from .all_cases import run_all
from .expectation import Demand, Expectation
from .verdict import PlantedVerdict

__all__ = ["Demand", "Expectation", "PlantedVerdict", "run_all"]
