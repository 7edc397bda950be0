"""From the queue of the engines to the replicas of a Deployment, and what must not change them."""

from typing import Any

import pytest

from testbed.harness.engine_fleet import EngineFleet
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, pool, service
from testbed.waiting import eventually, throughout

pytestmark = pytest.mark.cluster

QUEUE = {"waiting_requests": 100, "waiting_tokens": 50_000, "running_requests": 8, "in_flight": 108}
HOLD_SECONDS = 8
STABILIZATION_SECONDS = 5


def elastic(**scaling: Any) -> dict[str, Any]:
    down = {"stabilizationSeconds": STABILIZATION_SECONDS, "maxPercentPerMinute": 100}
    return service(scaling={"scaleDown": down, **scaling})


def test_queue_raises_replicas_and_its_end_lowers_them(
    operator: OperatorProcess, engines: EngineFleet, world: World
) -> None:
    world.apply(elastic())
    world.wait_until_serving()

    engines.report(**QUEUE)
    eventually("the queue raises the replicas to the maximum", lambda: world.replicas() == 4)
    eventually("the status says why", lambda: world.condition("ScalingLimited") == ("True", "AtMaximum"))
    assert "QueueDemand" in {step["reason"] for step in world.status()["decision"]["steps"]}

    engines.report()
    eventually("the end of the queue lowers them to the minimum", lambda: world.replicas() == 1, seconds=90)
    throughout("the minimum is kept", lambda: world.replicas() == 1, seconds=3)


@pytest.mark.parametrize("fault", ["metrics-absent", "metrics-nan"])
def test_nothing_falls_while_metrics_are_missing_or_wrong(
    operator: OperatorProcess, engines: EngineFleet, world: World, fault: str
) -> None:
    world.apply(elastic())
    world.wait_until_serving()
    engines.report(**QUEUE)
    eventually("four replicas serve", lambda: world.ready_pods() == 4)

    # the engines' metrics vanish together with the load: only fresh metrics may lower anything
    engines.fail(["loads-absent", fault])
    engines.report()
    eventually("the loss is seen", lambda: world.condition("MetricsAvailable")[0] == "False", seconds=60)
    throughout("replicas are held", lambda: world.replicas() == 4, seconds=HOLD_SECONDS)


def test_killed_under_load_it_lowers_nothing_when_it_comes_back(
    operator: OperatorProcess, engines: EngineFleet, world: World
) -> None:
    world.apply(elastic())
    world.wait_until_serving()
    engines.report(**QUEUE)
    eventually("four replicas serve", lambda: world.ready_pods() == 4)

    operator.kill()
    operator.start_and_lead()
    throughout("replicas are held under load", lambda: world.replicas() == 4, seconds=HOLD_SECONDS)

    # and without any metric
    operator.kill()
    engines.fail(["metrics-absent", "loads-absent"])
    operator.start_and_lead()
    throughout("replicas are held without metrics", lambda: world.replicas() == 4, seconds=HOLD_SECONDS)


@pytest.mark.parametrize("mode", ["Paused", "Advisory"])
def test_modes_that_write_no_replicas(operator: OperatorProcess, engines: EngineFleet, world: World, mode: str) -> None:
    world.apply(elastic())
    world.wait_until_serving()
    world.patch("embeddingservice", NAME, {"spec": {"scaling": {"mode": mode}}})
    expected = "Paused" if mode == "Paused" else "Advisory"
    eventually("the mode is taken", lambda: expected in {step["reason"] for step in steps(world)})

    engines.report(**QUEUE)
    throughout("replicas are not written", lambda: world.replicas() == 1, seconds=HOLD_SECONDS)

    world.patch("embeddingservice", NAME, {"spec": {"scaling": {"mode": "Active"}}})
    eventually("active again, it grows", lambda: world.replicas() == 4)


def steps(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (world.status().get("decision") or {}).get("steps", [])
    return found


def test_bounds_raised_by_hand_count_at_once(operator: OperatorProcess, engines: EngineFleet, world: World) -> None:
    world.apply(elastic())
    world.wait_until_serving()

    world.patch("embeddingservice", NAME, {"spec": {"pools": [pool("a10", least=3, most=4)]}})

    eventually("the new minimum serves", lambda: world.ready_pods() == 3)
