"""How thorough the property tests are, and which tests are not part of the fast suite.

The profile is `quick` by default, HYPOTHESIS_PROFILE=ci in CI, `thorough` for a long run.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
WITH_THE_SIMULATOR = ("unit/simulation", "benchmarks/simulation")
WITH_PROCESSES = (
    "benchmarks/test_replay.py",
    "testbed",
    "unit/poke/test_server.py",
    "unit/gateway/test_poke.py",
    "unit/kube/test_client.py",
    "unit/kube/test_watch.py",
    "unit/test_main.py",
)

for name, examples in {"quick": 25, "ci": 100}.items():
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
    )
settings.register_profile("thorough", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(HERE / name) for name in WITH_THE_SIMULATOR):
            item.add_marker(pytest.mark.simulation)
        elif any(item.path.is_relative_to(HERE / name) for name in WITH_PROCESSES):
            item.add_marker(pytest.mark.process)
