"""An operator behind a proxy that injects faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.harness.api_proxy import ApiProxy, running_proxy
from testbed.harness.engine_fleet import EngineFleet
from testbed.harness.installation import NAMESPACE
from testbed.harness.operator_process import OperatorProcess
from tests.integration.faults.matrix import Matrix


@pytest.fixture(scope="session")
def running_api(credentials: Path) -> Iterator[ApiProxy]:
    """Run one proxy for all tests."""
    with running_proxy(kubeconfig=credentials) as proxy:
        yield proxy


@pytest.fixture
def api(running_api: ApiProxy) -> Iterator[ApiProxy]:
    """Return the proxy, without faults before and after each test."""
    running_api.set()
    yield running_api
    running_api.set()


@pytest.fixture
def exposed(
    running_operator: OperatorProcess, api: ApiProxy, engines: EngineFleet, tmp_path: Path
) -> Iterator[OperatorProcess]:
    """Return an operator behind the proxy, not yet started; it takes the place of the one of other tests."""
    running_operator.kill()
    kubeconfig = api.write_kubeconfig(tmp_path / "kubeconfig")
    operator = OperatorProcess(
        name=running_operator.name, namespace=NAMESPACE, kubeconfig=kubeconfig, log=tmp_path / "log"
    )
    yield operator
    operator.kill()


@pytest.fixture(scope="session")
def running_matrix() -> Matrix:
    """Return the matrix that collects the rows of all tests."""
    return Matrix()


@pytest.fixture
def matrix(running_matrix: Matrix) -> Matrix:
    """Return the matrix that gets the rows of a test."""
    return running_matrix
