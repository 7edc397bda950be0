"""Which tests are not among those that run in seconds."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITH_PROCESSES = (
    "attention",
    "cluster",
    "engine",
    "gateway/test_attention.py",
    "kube/test_client.py",
    "kube/test_watch.py",
    "test_benchmark_replay.py",
    "test_main.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE / "simulation"):
            item.add_marker(pytest.mark.simulation)
        elif any(item.path.is_relative_to(HERE / name) for name in WITH_PROCESSES):
            item.add_marker(pytest.mark.process)
