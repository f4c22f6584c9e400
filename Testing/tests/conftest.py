"""What several test files need: the real scans, a small model with the real code, a real scene."""

import gc
import locale
import os
from collections import Counter

# Before anything imports Qt: the tests have no screen, and Qt ends the process where it finds none.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before anything imports PyTorch: pytest has a worker for each core, and two workers with two threads each take twice
# as long as with one (measured on two cores: 19 minutes against 10).
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from medxai.models.loading import LoadedModel
from support.models import small_model
from support.scans import RealScan, real_scan

_CHARACTERS = locale.setlocale(locale.LC_CTYPE)


#: About what a test takes, in seconds; one that is marked as slow takes more than ten. A file of hundreds has quick ones.
_USUAL_S, _SLOW_S, _QUICK_FROM = 0.7, 12.0, 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that at the end no worker waits for another that has just begun one of them."""
    tests = Counter(item.path for item in items)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -(slow[item.path] * _SLOW_S + min(tests[item.path], _QUICK_FROM) * _USUAL_S))


def pytest_collection_finish() -> None:
    """What was imported lives to the end, and the collector, which runs after every panel, need not look through it again.

    By itself it took a twentieth of the tests' time, so it comes less often.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def same_characters() -> None:
    """A library that leaves the process with another locale does not decide how the next test reads a command's output."""
    locale.setlocale(locale.LC_CTYPE, _CHARACTERS)


@pytest.fixture(scope="session")
def ct() -> RealScan:
    return real_scan("ct_abdomen", {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 5, "aorta": 52})


@pytest.fixture(scope="session")
def mr() -> RealScan:
    return real_scan("mr_abdomen", {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 5, "aorta": 23})


@pytest.fixture(scope="session")
def model() -> LoadedModel:
    return small_model()


@pytest.fixture
def scene():
    headless = pytest.importorskip("medxai.scene.headless", reason="needs the package slicer-core")
    with headless.quiet_vtk(), headless.headless_scene() as scene:
        yield scene
