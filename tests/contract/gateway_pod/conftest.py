"""The real HAProxy, as the pod starts and stops it."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "gateway_pod":
            item.add_marker(pytest.mark.haproxy)
