"""One tube of each kind, followed by the demo model."""

import pytest

from medxai.engine import Engine
from medxai.request import ExplainRequest
from medxai.slice.box import box_of_mask
from medxai.through_slices.request import VolumeRequest
from support.answered import DEMO
from support.tubes import Tube, make_tube

START = 4


def request_of(tube: Tube, start: int = START, **options) -> VolumeRequest:
    on_slice = ExplainRequest.of_slice(tube.volume, "axial", start, model=DEMO)
    return VolumeRequest(on_slice, box_of_mask(tube.mask[start]), **options)


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def ending() -> Tube:
    return make_tube("end", 2)


@pytest.fixture(scope="session")
def clean() -> Tube:
    return make_tube("clean", 2)


@pytest.fixture(scope="session")
def followed(engine, ending):
    """The tube that ends, from its slice 4 in both directions."""
    return engine.explain_volume(request_of(ending))
