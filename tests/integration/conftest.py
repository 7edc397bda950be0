"""A real API server with KWOK nodes, a fake engine behind every pod, and the whole operator as a process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.harness.engine_fleet import EngineFleet, running_fleet
from testbed.harness.installation import NAMESPACE, install, write_kubeconfig
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import World, own_namespace

CONTROL_PLANE = "control-plane"
NO_CLUSTER = (
    "no control plane: run `make integration`, or pytest inside of `python -m testbed.cluster exec control-plane --`"
)


@pytest.fixture(scope="session")
def installed() -> None:
    """Install the operator's permissions and the GPUs; without a control plane, tests are skipped; in CI they fail."""
    if os.environ.get("EMBEDDING_OPERATOR_CLUSTER") == CONTROL_PLANE:
        install()
    elif os.environ.get("CI") == "true":
        pytest.fail(NO_CLUSTER)
    else:
        pytest.skip(NO_CLUSTER)


@pytest.fixture(scope="session")
def credentials(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the operator's own credentials."""
    return write_kubeconfig(tmp_path_factory.mktemp("credentials") / "kubeconfig")


@pytest.fixture(scope="session")
def running_engines(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    """Serve as the engine of every pod."""
    with running_fleet(tmp_path_factory.mktemp("engines") / "log") as fleet:
        yield fleet


@pytest.fixture
def engines(running_engines: EngineFleet) -> EngineFleet:
    """Return the engines, idle and healthy."""
    running_engines.reset()
    return running_engines


@pytest.fixture(scope="session")
def running_operator(credentials: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """Run one operator for all tests."""
    log = tmp_path_factory.mktemp("operator") / "log"
    process = OperatorProcess(name="first", namespace=NAMESPACE, kubeconfig=credentials, log=log)
    yield process
    process.kill()


@pytest.fixture
def operator(running_operator: OperatorProcess, engines: EngineFleet) -> OperatorProcess:
    """Return the operator, leading, whatever the previous test did to it."""
    if not running_operator.is_running():
        running_operator.start_and_lead()
    return running_operator


@pytest.fixture
def world() -> Iterator[World]:
    """Return a namespace for one test."""
    with own_namespace() as made:
        yield made
