from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import require_root, skip_reason
from testbed.cluster.progress import Progress
from tests.bare.machine import BareMachine, bare_machine


@pytest.fixture(scope="session")
def machine() -> Iterator[BareMachine]:
    """Yield a new machine for the whole run: the tests follow the order in which a new user runs the commands."""
    try:
        require_root("a new machine is a folder that programs are locked into")
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))
    with bare_machine(progress=Progress()) as made:
        yield made
