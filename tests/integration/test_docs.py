"""The commands in docs/, run by a shell, next to a service that the README's commands created."""

import subprocess
from collections.abc import Iterator

import pytest

from testbed.cluster.paths import REPOSITORY
from testbed.harness.kubectl import kubectl
from testbed.readme import GATEWAY, OPERATIONS, README, commands

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
    _installation, *lines = commands(first="helm install")
    assert f"create namespace {NAMESPACE}" in lines[0]

    assert typed(lines)[-1].endswith("condition met")


@pytest.mark.usefixtures("operator", "no_such_namespace")
def test_a_user_gives_keys_to_clients_and_looks_at_the_service() -> None:
    _installation, *service = commands(first="helm install", document=README)
    typed(service)

    keys = typed(commands(first="kubectl create secret", document=GATEWAY))
    assert any(line.endswith("condition met") for line in keys)
    assert len(keys[-1]) == len("00" * 32)
    assert typed(commands(first="kubectl patch secret", document=GATEWAY))
    secret = kubectl("get", "secret", "search-clients", f"--namespace={NAMESPACE}", "-o=jsonpath={.data}")
    assert "crawler" in secret
    assert "shop" not in secret

    looked = typed(commands(first="kubectl get embeddingservices", document=OPERATIONS))
    assert any(line.startswith("GatewayAvailable=True ") for line in looked), looked
    patched = typed(commands(first="kubectl patch embeddingservice", document=OPERATIONS))
    assert all(line.endswith("patched") for line in patched)


def typed(lines: list[str]) -> list[str]:
    """Return what a shell prints for lines that must all succeed."""
    finished = subprocess.run(
        ["bash", "-euc", "\n".join(lines)], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()
