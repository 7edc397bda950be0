import os
from functools import cache
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, NAMESPACE, RELEASE, Render, Rendering, parsed
from tools.generate.helm import SERVED, find_helm, render

PROMETHEUS_OPERATOR = "monitoring.coreos.com/v1/PodMonitor"


@pytest.fixture(scope="session")
def helm() -> Path:
    found = find_helm()
    if found is None:
        reason = "Helm 4 is not installed and `python -m e2e.cluster build core` has not built it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def rendered(helm: Path) -> Render:
    """Renders the chart with tests/chart/values/NAME.yaml, once per name."""

    @cache
    def rendering(name: str) -> Rendering:
        values = Path(__file__).parent / "values" / f"{name}.yaml"
        documents = render(
            helm,
            chart=CHART,
            release=RELEASE,
            namespace=NAMESPACE,
            values=[values],
            api_versions=[*SERVED, PROMETHEUS_OPERATOR],
        )
        return parsed(documents)

    return rendering
