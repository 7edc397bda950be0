from pathlib import Path

import pytest

from e2e.cluster.progress import Progress
from e2e.engine.real.environment import ensure_environment


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """The Python that has SGLang 0.5.23 installed."""
    return ensure_environment(progress=Progress()).python
