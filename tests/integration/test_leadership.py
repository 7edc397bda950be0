"""Which of two operators acts, and how the leader steps down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.harness.installation import NAMESPACE
from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import World, service
from testbed.waiting import eventually, throughout

pytestmark = pytest.mark.cluster

LEAVE_SECONDS = 5


@pytest.fixture
def second(credentials: Path, tmp_path: Path) -> Iterator[OperatorProcess]:
    process = OperatorProcess(name="second", namespace=NAMESPACE, kubeconfig=credentials, log=tmp_path / "log")
    yield process
    process.kill()


def holder() -> str:
    lease = ("get", "lease", "embedding-operator", f"--namespace={NAMESPACE}")
    return kubectl(*lease, "-o=jsonpath={.spec.holderIdentity}")


def test_one_leads_the_other_waits_and_takes_over_when_it_leaves(
    operator: OperatorProcess, second: OperatorProcess, world: World
) -> None:
    second.start()
    eventually("the second process is alive", lambda: second.health_status() == 200)
    throughout("it waits for the Lease", lambda: not second.leads(), seconds=6)
    assert holder() == operator.name

    operator.terminate()
    assert operator.wait(seconds=LEAVE_SECONDS) == 0

    second.wait_until_leading()
    assert holder() == second.name
    world.apply(service())
    world.wait_until_serving()

    second.terminate()
    assert second.wait(seconds=LEAVE_SECONDS) == 0
    assert holder() == ""
