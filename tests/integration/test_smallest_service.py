"""The smallest service from `kubectl apply` to rest, and away again."""

import time
from datetime import UTC, datetime

import pytest

from testbed.cluster.audit import Write, writes
from testbed.cluster.control_plane import ControlPlane
from testbed.harness.installation import USERNAME
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, service
from testbed.waiting import eventually

pytestmark = pytest.mark.cluster

REST_SECONDS = 30
QUIET_SECONDS = 10
CHILDREN = ("deployment", "service", "poddisruptionbudget")
CALM = {
    "Ready": ("True", "Serving"),
    "Reconciling": ("False", "Settled"),
    "Stalled": ("False", "Progressing"),
    "MetricsAvailable": ("True", "Reporting"),
    "ScheduleApplied": ("False", "NoSchedule"),
    "HandoverInProgress": ("False", "Stable"),
    "CapacityLimited": ("False", "Sufficient"),
    "ConflictingScaler": ("False", "NoOtherScaler"),
}


def conditions(world: World) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in world.status().get("conditions", [])}


def test_becomes_ready_with_its_children_and_a_true_status(operator: OperatorProcess, world: World) -> None:
    world.apply(service())

    world.wait_until_serving()
    eventually("metrics are reported", lambda: CALM.items() <= conditions(world).items())

    assert set(world.names(*CHILDREN)) == {
        f"deployment.apps/{NAME}-a10",
        f"service/{NAME}",
        f"poddisruptionbudget.policy/{NAME}",
    }
    status = world.status()
    assert (status["replicas"], status["readyReplicas"], status["readySummary"]) == (1, 1, "1/1")
    assert status["url"] == f"http://{NAME}.{world.namespace}.svc"
    assert [(each["gpuPool"], each["desired"], each["ready"]) for each in status["pools"]] == [("a10", 1, 1)]
    assert operator.health_status() == 200
    assert "\nembsvc_leader 1.0\n" in operator.metrics_page()


def test_writes_nothing_at_rest(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()
    # pools follow with the next sweep, and the previous test may have left them another status
    eventually("the pools tell what they hold", lambda: gpus_in_use(world) == {"a10": 1, "t4": 0}, seconds=90)
    eventually("writes have stopped", lambda: not operator_writes(last_seconds=QUIET_SECONDS), seconds=60)

    begun = datetime.now(UTC)
    time.sleep(REST_SECONDS)

    assert operator_writes(after=begun) == []
    assert operator.is_running()


def gpus_in_use(world: World) -> dict[str, int]:
    pools = {name: world.get("gpupool", name) or {} for name in ("a10", "t4")}
    return {name: body.get("status", {}).get("gpusInUse", -1) for name, body in pools.items()}


def operator_writes(*, after: datetime | None = None, last_seconds: float = 0) -> list[Write]:
    """Return the operator's writes except the renewals of its Lease."""
    begin = after or datetime.fromtimestamp(time.time() - last_seconds, UTC)
    with ControlPlane().audit_log.open() as log:
        return [write for write in writes(log, username=USERNAME, after=begin) if write.resource != "leases"]


def test_is_gone_with_its_children_and_can_be_made_again(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()

    world.delete("embeddingservice", NAME)
    eventually("nothing is left", lambda: world.names(*CHILDREN, "pod") == [])

    world.apply(service())
    world.wait_until_serving()
