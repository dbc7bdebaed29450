"""Statements about all inputs, tried on those that hypothesis draws.

`make test` tries the same few each time; `make torture` many more.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings

_COMMON: dict[str, Any] = {
    "deadline": None,  # machines are shared
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("short", max_examples=25, derandomize=True, database=None, **_COMMON)
settings.register_profile("long", max_examples=2000, database=None, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
