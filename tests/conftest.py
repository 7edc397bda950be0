"""How thorough the property tests are: quick by default, HYPOTHESIS_PROFILE=ci in CI, thorough for a long run."""

import os

from hypothesis import HealthCheck, settings

for name, examples in {"quick": 25, "ci": 100}.items():
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
    )
settings.register_profile("thorough", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
