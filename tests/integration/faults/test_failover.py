"""A leader that freezes, and comes back when another leads."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.harness.api_proxy import ApiProxy
from testbed.harness.installation import NAMESPACE
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, pool, service
from testbed.waiting import eventually
from tests.integration.faults.matrix import Matrix

pytestmark = pytest.mark.cluster


@pytest.fixture
def second(credentials: Path, tmp_path: Path) -> Iterator[OperatorProcess]:
    process = OperatorProcess(name="second", namespace=NAMESPACE, kubeconfig=credentials, log=tmp_path / "second")
    yield process
    if process.is_running():
        process.terminate()
        process.wait(seconds=30)


def test_a_frozen_leader_writes_nothing_when_it_wakes(
    exposed: OperatorProcess, second: OperatorProcess, api: ApiProxy, world: World, matrix: Matrix
) -> None:
    exposed.start_and_lead()
    world.apply(service())
    world.wait_until_serving()
    second.start()
    eventually("the second process is alive", lambda: second.health_status() == 200)

    os.kill(exposed.pid, signal.SIGSTOP)
    frozen = time.monotonic()
    second.wait_until_leading()
    took = time.monotonic() - frozen
    # What was under way when it froze has landed by now; whatever comes later is a second writer.
    api.set()
    world.patch("embeddingservice", NAME, {"spec": {"pools": [pool("a10", least=3)]}})
    os.kill(exposed.pid, signal.SIGCONT)
    exposed.wait(seconds=30)
    eventually("the new leader acts", lambda: world.replicas() == 3)

    assert [str(write) for write in api.writes] == []
    matrix.add(
        "the leader freezes and wakes when another leads",
        times=1,
        observed=f"the other leads after {took:.0f} s; the old one ends and writes nothing",
    )
