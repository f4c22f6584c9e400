"""From a template and its values to a page; every value is escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .. import __version__
from ..limits import LIMITS_STATEMENT
from ..output.overlay import BOX_COLOUR, MASK_COLOUR
from .pictures import colour_stops
from .wording import raw_number

_TEMPLATES = Path(__file__).parent / "templates"


def page_html(template: str, **values: object) -> str:
    """The page as one text without any reference to another file."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        limits=LIMITS_STATEMENT, version=__version__, box_colour=BOX_COLOUR, mask_colour=MASK_COLOUR, colour_stops=colour_stops()
    )
    environment.filters["raw"] = raw_number
    return environment.get_template(template).render(**values)
