"""Killed again and again at its writes, the operator ends where one that was never killed does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.harness.api_proxy import ApiProxy
from testbed.harness.engine_fleet import EngineFleet
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, service
from testbed.waiting import eventually
from tests.integration.faults.crashes import SIDES, CrashingOperator, Side
from tests.integration.faults.matrix import Matrix
from tests.integration.faults.shape import assert_like_a_twin
from tests.integration.pod_watch import PodWatch
from tests.integration.test_handover import NO_T4, REPLICAS, TWO_A10, has_moved, window_on_t4
from tests.integration.test_scaling import QUEUE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

SECONDS = 900
"""After each start, metrics of half a minute are collected before anything shrinks."""
AT_ONCE = {"scaleDown": {"stabilizationSeconds": 0, "maxPercentPerMinute": 100}}
BETWEEN_POOLS = {"pools": [TWO_A10, NO_T4], "scaling": AT_ONCE}
LEFT = ("deployment", "replicaset", "pod", "service", "networkpolicy", "poddisruptionbudget", "configmap", "secret")
OF_EVERY_NAMESPACE = {"configmap/kube-root-ca.crt"}

sides = pytest.mark.parametrize("side", SIDES, ids=[side.name for side in SIDES])


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One service under an operator that can be made to crash."""

    world: World
    engines: EngineFleet
    operator: OperatorProcess
    crashing: CrashingOperator
    matrix: Matrix

    def create(self, **spec: Any) -> None:
        if not self.operator.is_running():
            self.operator.start_and_lead()
        self.world.apply(service(**spec))
        self.world.wait_until_serving()

    def passed(self, fault: str, *, observed: str = "the same objects as without a fault") -> None:
        """Note the row; a scenario in which nothing was hit shows nothing."""
        killed_at = self.crashing.killed_at
        assert killed_at, "the operator wrote nothing"
        self.matrix.add(fault, times=len(killed_at), at=killed_at, observed=observed)


@pytest.fixture
def scene_of(
    exposed: OperatorProcess, api: ApiProxy, engines: EngineFleet, world: World, matrix: Matrix
) -> Callable[[Side], Scene]:
    def made(side: Side) -> Scene:
        crashing = CrashingOperator(exposed, api, side=side)
        return Scene(world=world, engines=engines, operator=exposed, crashing=crashing, matrix=matrix)

    return made


def created(scene: Scene, side: Side) -> None:
    scene.world.apply(service(scaling=AT_ONCE))
    done = lambda: scene.world.condition("Ready") == ("True", "Serving")  # noqa: E731
    scene.crashing.until("it serves", done, seconds=SECONDS)
    assert_like_a_twin(scene.world, scaling=AT_ONCE)
    scene.passed(f"crash {side.name} the n-th write of the n-th process while a service is created")


def scaled_up(scene: Scene, side: Side) -> None:
    scene.create(scaling=AT_ONCE)
    scene.engines.report(**QUEUE)

    def done() -> bool:
        return scene.world.condition("ScalingLimited") == ("True", "AtMaximum") and scene.world.ready_pods() == 4

    scene.crashing.until("four replicas", done, seconds=SECONDS)
    assert_like_a_twin(scene.world, scaling=AT_ONCE)
    scene.passed(f"crash {side.name} the n-th write of the n-th process while it grows to four replicas")


def scaled_down(scene: Scene, side: Side) -> None:
    scene.create(scaling=AT_ONCE)
    scene.engines.report(**QUEUE)
    eventually("four replicas", lambda: scene.world.ready_pods() == 4)
    scene.engines.report()
    scene.crashing.until("one replica", lambda: scene.world.replicas() == 1, seconds=SECONDS)
    assert_like_a_twin(scene.world, scaling=AT_ONCE)
    scene.passed(f"crash {side.name} the n-th write of the n-th process while it shrinks to one replica")


@sides
def test_created_by_an_operator_that_crashes(scene_of: Callable[[Side], Scene], side: Side) -> None:
    created(scene_of(side), side)


@pytest.mark.faults
@sides
def test_scaled_up_by_an_operator_that_crashes(scene_of: Callable[[Side], Scene], side: Side) -> None:
    scaled_up(scene_of(side), side)


@pytest.mark.faults
@sides
def test_scaled_down_by_an_operator_that_crashes(scene_of: Callable[[Side], Scene], side: Side) -> None:
    scaled_down(scene_of(side), side)


@pytest.mark.faults
@sides
def test_handed_over_by_an_operator_that_crashes(scene_of: Callable[[Side], Scene], side: Side, tmp_path: Path) -> None:
    scene = scene_of(side)
    scene.create(**BETWEEN_POOLS)
    with PodWatch(scene.world.namespace, events=tmp_path / "events") as pods:
        eventually("both are seen", lambda: pods.ready_counts()[-1:] == [{"a10": REPLICAS}])
        with window_on_t4(scene.world):
            scene.crashing.until("only T4 serves", lambda: has_moved(scene.world), seconds=SECONDS)
            assert pods.lowest_since(REPLICAS) == REPLICAS
            assert_like_a_twin(scene.world, **BETWEEN_POOLS)
    scene.passed(f"crash {side.name} the n-th write of the n-th process of a handover from A10 to T4")


@pytest.mark.faults
@sides
def test_deleted_under_an_operator_that_crashes(scene_of: Callable[[Side], Scene], side: Side) -> None:
    """The garbage collector deletes; the operator must not write back what is on its way out."""
    scene = scene_of(side)
    scene.create()
    # half created: a second service is deleted while the operator crashes at the writes that create it
    scene.world.apply(service("second"))
    crashed_once = lambda: bool(scene.crashing.killed_at)  # noqa: E731
    scene.crashing.until("the first crash", crashed_once, seconds=SECONDS)
    for name in (NAME, "second"):
        scene.world.delete("embeddingservice", name)
    eventually("nothing is left", lambda: set(scene.world.names(*LEFT)) <= OF_EVERY_NAMESPACE, seconds=90)
    fault = f"crash {side.name} a write that creates a service, and both services deleted"
    scene.passed(fault, observed="nothing is left")
