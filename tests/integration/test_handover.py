"""A window that moves a service from A10 to T4: the new replicas serve before the old ones are removed."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import World, all_day, pool, service
from testbed.waiting import eventually, throughout
from tests.integration.pod_watch import PodWatch

pytestmark = pytest.mark.cluster

REPLICAS = 2
TWO_A10 = pool("a10", least=REPLICAS)
NO_T4 = pool("t4", least=0)
TWO_T4 = pool("t4", least=REPLICAS)
DOWN_AT_ONCE = {"scaleDown": {"stabilizationSeconds": 0, "maxPercentPerMinute": 100}}
HANDOVER_SECONDS = 90
T4_NODES = "--selector=nvidia.com/gpu.product=Tesla-T4"


@contextmanager
def window_on_t4(world: World) -> Iterator[str]:
    """Open a window on T4 for the services of `world`; yield the name of its ScalingSchedule."""
    name = f"night-{uuid.uuid4().hex[:6]}"
    world.apply(all_day(name, namespace=world.namespace, pools=[TWO_T4]))
    try:
        yield name
    finally:
        kubectl("delete", "scalingschedule", name)


def serve_on_a10(world: World) -> None:
    world.apply(service(pools=[TWO_A10, NO_T4], scaling=DOWN_AT_ONCE))
    eventually("both A10 replicas serve", lambda: world.ready_pods("a10") == REPLICAS)
    world.wait_until_serving()


def has_moved(world: World) -> bool:
    return world.replicas("a10") == 0 and world.ready_pods("t4") == REPLICAS


def test_new_pool_serves_and_settles_before_the_old_one_goes(
    operator: OperatorProcess, world: World, tmp_path: Path
) -> None:
    serve_on_a10(world)
    with PodWatch(world.namespace, events=tmp_path / "events") as pods, window_on_t4(world) as schedule:
        eventually("a handover is seen", lambda: world.condition("HandoverInProgress")[0] == "True")
        eventually("T4 is Ready", lambda: world.ready_pods("t4") == REPLICAS)
        eventually("T4 settles", lambda: world.condition("HandoverInProgress") == ("True", "Settling"))
        throughout("A10 serves while T4 settles", lambda: world.ready_pods("a10") == REPLICAS, seconds=15)
        eventually("only T4 serves", lambda: has_moved(world), seconds=HANDOVER_SECONDS)
        eventually("it is over", lambda: world.condition("HandoverInProgress") == ("False", "Stable"))
        world.wait_until_serving()

        assert world.condition("ScheduleApplied") == ("True", "WindowActive")
        assert world.status()["schedule"]["source"] == f"ScalingSchedule/{schedule}"
        eventually("no A10 pod is left", lambda: pods.ready_counts()[-1] == {"t4": REPLICAS})
        assert pods.lowest_since(REPLICAS) == REPLICAS


def test_killed_in_the_middle_it_ends_the_same(operator: OperatorProcess, world: World, tmp_path: Path) -> None:
    serve_on_a10(world)
    with PodWatch(world.namespace, events=tmp_path / "events") as pods, window_on_t4(world):
        eventually("T4 starts", lambda: world.replicas("t4") == REPLICAS)
        operator.kill()
        operator.start_and_lead()
        eventually("T4 is Ready", lambda: world.ready_pods("t4") == REPLICAS)
        assert world.ready_pods("a10") == REPLICAS
        operator.kill()
        operator.start_and_lead()

        eventually("only T4 serves", lambda: has_moved(world), seconds=HANDOVER_SECONDS)
        eventually("no A10 pod is left", lambda: pods.ready_counts()[-1] == {"t4": REPLICAS})
        assert pods.lowest_since(REPLICAS) == REPLICAS


def test_new_pool_that_never_gets_ready_replaces_nothing(operator: OperatorProcess, world: World) -> None:
    serve_on_a10(world)
    with closed_t4_nodes(), window_on_t4(world):
        eventually("it waits for T4", lambda: world.condition("HandoverInProgress") == ("True", "WaitingForReady"))
        throughout("A10 serves", lambda: world.ready_pods("a10") == REPLICAS, seconds=8)
    eventually("the window is gone and A10 serves", lambda: world.replicas("t4") == 0)
    assert world.ready_pods("a10") == REPLICAS


@contextmanager
def closed_t4_nodes() -> Iterator[None]:
    """Keep all pods off T4 nodes."""
    kubectl("cordon", T4_NODES)
    try:
        yield
    finally:
        kubectl("uncordon", T4_NODES)
