"""Reading files without the libraries' own messages: what a user should know is said in an error or a note."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: nibabel tells here how it repaired a header.
_NIBABEL_LOGGER = "nibabel.global"


@contextmanager
def quiet_readers() -> Iterator[None]:
    """Warnings of pydicom, nibabel, Pillow and numpy stay away while this lasts."""
    logger = logging.getLogger(_NIBABEL_LOGGER)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Nothing reaches the process's stderr while this lasts: parts of ITK (MetaImage, GDCM) write there themselves."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console has none
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
