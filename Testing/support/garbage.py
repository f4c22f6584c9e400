"""Ends what is no longer used, without looking through everything that was imported each time."""

import gc
import sys

_FEW_MODULES = 20
_seen = {"modules": 0}


def collect() -> None:
    """Collects garbage; what was imported since the last call lives to the end and is not looked through again.

    After every panel a full collection took 0.2 s, most of it among modules that were imported after the tests were found.
    """
    gc.collect()
    if len(sys.modules) > _seen["modules"] + _FEW_MODULES:
        gc.freeze()
        _seen["modules"] = len(sys.modules)
