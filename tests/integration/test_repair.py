"""Manual changes are reverted; what cluster admins set has an accurate status."""

import json
from functools import partial
from typing import Any

import pytest

from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, all_day, pool, service
from testbed.waiting import eventually

pytestmark = pytest.mark.cluster

DEPLOYMENT = f"{NAME}-a10"


def test_child_edited_by_hand_is_restored(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()
    image = engine_image(world)

    world.patch("deployment", DEPLOYMENT, {"spec": {"replicas": 3}})
    # Replicas that became Ready meanwhile are removed like any others: one at once, the next after a minute.
    eventually("the replicas are back", lambda: world.replicas() == 1, seconds=180)

    container = {"name": "engine", "image": "example.com/other"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kubectl("patch", "deployment", DEPLOYMENT, f"--namespace={world.namespace}", f"--patch={json.dumps(change)}")
    eventually("the template is back", lambda: engine_image(world) == image)


def test_child_deleted_by_hand_comes_back(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()

    address = cluster_ip(world)
    world.delete("service", NAME)
    eventually("the service is back", partial(world.get, "service", NAME))
    assert cluster_ip(world) == address
    for kind, name in (("poddisruptionbudget", NAME), ("deployment", DEPLOYMENT)):
        world.delete(kind, name)
        eventually(f"the {kind} is back", partial(world.get, kind, name))
    world.wait_until_serving()


def cluster_ip(world: World) -> str:
    body = world.get("service", NAME)
    assert body is not None
    address: str = body["spec"]["clusterIP"]
    return address


def engine_image(world: World) -> str:
    deployment = world.get("deployment", DEPLOYMENT)
    assert deployment is not None
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_pool_and_schedule_say_whom_they_serve(operator: OperatorProcess, world: World) -> None:
    schedule = f"always-{world.namespace}"
    world.apply(all_day(schedule, namespace=world.namespace, pools=[pool("a10", least=2)]), service())
    try:
        eventually("the window counts", lambda: world.ready_pods() == 2)
        # the sweep counts their dependents once a minute, and first at the start
        operator.kill()
        operator.start_and_lead()
        eventually(
            "the schedule counts its service", lambda: status_of("scalingschedule", schedule).get("services") == 1
        )
        assert status_of("scalingschedule", schedule)["activeWindow"] == "always"
        eventually("the pool counts its GPUs", lambda: status_of("gpupool", "a10").get("gpusInUse", 0) >= 2)
        in_pool = status_of("gpupool", "a10")
        assert in_pool["nodes"] >= 1
        assert in_pool["gpusAllocatable"] >= 8
        assert in_pool["services"] >= 1
    finally:
        kubectl("delete", "scalingschedule", schedule)
    eventually("without it spec.pools counts", lambda: world.condition("ScheduleApplied") == ("False", "NoSchedule"))


def status_of(kind: str, name: str) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(kubectl("get", kind, name, "-o=json")).get("status") or {}
    return status
