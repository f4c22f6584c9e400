"""Whether tests that take long repeat a property on more organs and slices."""

import os

#: With MEDXAI_TEST_ALL=1; without it every property is tested once, on the cases that tell most.
ALL_REPEATS = os.environ.get("MEDXAI_TEST_ALL") == "1"
