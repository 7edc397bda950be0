import os
from pathlib import Path

import pytest

VARIABLE = "EMBEDDING_OPERATOR_ENGINE_PYTHON"


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """The Python that has SGLang 0.5.23 installed."""
    path = os.environ.get(VARIABLE)
    if path is None:
        pytest.fail(f"set {VARIABLE} to the Python that has SGLang installed")
    return Path(path)
