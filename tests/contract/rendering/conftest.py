from pathlib import Path

import pytest

from testbed.cluster.progress import Progress
from testbed.engine.real.environment import ensure_environment


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """Return the Python that has SGLang 0.5.23 installed."""
    return ensure_environment(progress=Progress()).python
