import os
from functools import cache
from pathlib import Path

import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import skip_reason
from tests.chart.rendering import CHART, NAMESPACE, RELEASE, Render, Rendering, parsed
from tools.generate.helm import SERVED, ensure_helm, render

PROMETHEUS_OPERATOR = "monitoring.coreos.com/v1/PodMonitor"


@pytest.fixture(scope="session")
def helm() -> Path:
    try:
        return ensure_helm()
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))


@pytest.fixture(scope="session")
def rendered(helm: Path) -> Render:
    """Return a function that renders the chart with tests/chart/values/NAME.yaml, once per name."""

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
