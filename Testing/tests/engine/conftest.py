"""One result of the demo model, for tests that only read it."""

import pytest

from support.answered import phantom_case


@pytest.fixture(scope="session")
def phantom_result():
    return phantom_case("liver").result
