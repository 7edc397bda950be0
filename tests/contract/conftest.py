"""The cluster that contract tests run against: they run inside `python -m testbed.cluster exec`."""

import os
from pathlib import Path

import pytest
from embedding_operator.api.crd import CUSTOM_RESOURCES

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
