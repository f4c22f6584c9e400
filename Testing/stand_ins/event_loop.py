"""Qt's event loop as it runs inside Slicer: with Python's global lock held.

PySide lets go of the lock while Qt waits; PythonQt as Slicer builds it does not, so there a Python thread gets on only
while the main thread sleeps in Python. To be as unkind, Qt and the C library are called here without letting go of it.
"""

import ctypes
import sys
from pathlib import Path

import PySide6
from PySide6 import QtWidgets

_PROCESS_EVENTS = "_ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEE"
_LIBRARY = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6Core.so.6"
_HOLDS_THE_LOCK = sys.platform == "linux" and _LIBRARY.is_file()

if _HOLDS_THE_LOCK:
    _qt = ctypes.PyDLL(str(_LIBRARY))
    _process = getattr(_qt, _PROCESS_EVENTS)
    _process.argtypes, _process.restype = [ctypes.c_int], None
    _c = ctypes.PyDLL(None)


def process_events() -> None:
    """What is due now."""
    if _HOLDS_THE_LOCK:
        _process(0)
    else:
        QtWidgets.QApplication.processEvents()


def wait_ms(milliseconds: int) -> None:
    """As Qt waits for the next event: no Python runs, in any thread."""
    if _HOLDS_THE_LOCK:
        _c.usleep(milliseconds * 1000)
