"""Numbers in files with a decimal point, whatever the language of the system."""

import locale
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_numbers() -> Iterator[None]:
    """C libraries (ITK, VTK, NRRD) read and write numbers with a decimal point while this lasts.

    Under a locale with a decimal comma they would read 2.8 as 2 and write commas. Python itself never does.
    """
    before = locale.setlocale(locale.LC_NUMERIC)
    if before == "C":
        yield
        return
    locale.setlocale(locale.LC_NUMERIC, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
