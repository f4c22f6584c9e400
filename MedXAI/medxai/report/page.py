"""From a template and its values to a page; every value is escaped."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .. import __version__
from ..display_range import DisplayRange
from ..errors import OutputError
from ..limits import LIMITS_STATEMENT
from .folder import whole_file
from .overlay import BOX_COLOUR, MASK_COLOUR
from .pictures import colour_stops
from .wording import raw_number, written

#: Any ranges of their kind: the bars have no numbers.
_POSITIVE, _SIGNED = DisplayRange(0.0, 1.0, True), DisplayRange(-1.0, 1.0, True)
_TEMPLATES = Path(__file__).parent / "templates"


def page_html(template: str, folders: Sequence[Path] = (), **values: object) -> str:
    """Makes a page as one text without any reference to another file.

    Args:
        template: Its file name.
        folders: Where templates are looked for before this package's own, which they may extend.
        **values: What the template asks for.
    """
    return _environment(tuple(folders)).get_template(template).render(**values)


def part_html(template: str, **values: object) -> Markup:
    """Makes a part of a page, for a template that puts it into another.

    Args:
        template: Its file name.
        **values: What the template asks for.
    """
    return Markup(_environment().get_template(template).render(**values))


@cache
def _environment(folders: tuple[Path, ...] = ()) -> Environment:
    """Kept, since reading the templates takes longer than filling them."""
    environment = Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        limits=LIMITS_STATEMENT,
        version=__version__,
        box_colour=BOX_COLOUR,
        mask_colour=MASK_COLOUR,
        colour_bars={"colours": colour_stops(_POSITIVE), "signed-colours": colour_stops(_SIGNED)},
    )
    environment.filters["raw"], environment.filters["written"] = raw_number, written
    return environment


def write_page(path: Path, html: str) -> None:
    """Writes a page, whole or not at all.

    Raises:
        OutputError: Where the file cannot be written.
    """
    try:
        with whole_file(path) as scratch:
            scratch.write_text(html, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"The report '{path}' could not be written ({error.strerror or error}); choose a folder that can be written and has space."
        ) from error
