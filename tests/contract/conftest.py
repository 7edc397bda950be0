"""The cluster that contract tests run against: they run inside `python -m testbed.cluster exec`."""

import os
from pathlib import Path

import pytest
from embedding_operator.api.crd import CUSTOM_RESOURCES

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import ensure, skip_reason
from testbed.cluster.programs import find_program
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import GATEWAY
from testbed.harness.kubectl import SECONDS, kubectl

CRDS = Path(__file__).parents[2] / "crds"
NO_CLUSTER = (
    "no test cluster: run `make integration`, or pytest inside of `python -m testbed.cluster exec control-plane --`"
)


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """Return administrator credentials; without a cluster, tests are skipped; in CI they fail."""
    if "EMBEDDING_OPERATOR_CLUSTER" in os.environ:
        return Path(os.environ["KUBECONFIG"])
    if os.environ.get("CI") == "true":
        pytest.fail(NO_CLUSTER)
    pytest.skip(NO_CLUSTER)


@pytest.fixture(scope="session")
def crds(kubeconfig: Path) -> Path:
    """Install the CustomResourceDefinitions of the repository; return the credentials."""
    kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    names = [resource.crd_name for resource in CUSTOM_RESOURCES]
    kubectl("wait", "--for=condition=Established", f"--timeout={SECONDS}s", "crd", *names)
    return kubeconfig


@pytest.fixture(scope="session")
def haproxy() -> str:
    """Return the path of HAProxy; if it cannot be installed, tests are skipped; in CI they fail."""
    try:
        ensure(GATEWAY, progress=Progress())
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))
    found = find_program("haproxy")
    assert found is not None
    return found
