"""What README.md tells a user to type after the installation, typed by a shell."""

import subprocess
from collections.abc import Iterator

import pytest

from e2e.cluster.paths import REPOSITORY
from e2e.harness.kubectl import kubectl
from e2e.readme import commands

pytestmark = pytest.mark.cluster

NAMESPACE = "search"
SECONDS = 120


@pytest.fixture
def no_such_namespace() -> Iterator[None]:
    """Remove the namespace that README.md creates, before and after."""
    remove = ("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s")
    kubectl(*remove)
    yield
    kubectl(*remove)


@pytest.mark.usefixtures("operator", "no_such_namespace")
def test_a_user_gets_a_ready_service() -> None:
    _installation, *typed = commands(first="helm install")
    assert f"create namespace {NAMESPACE}" in typed[0]

    finished = subprocess.run(
        ["bash", "-euc", "\n".join(typed)], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SECONDS
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1].endswith("condition met")
