"""While the API server fails in one way or another nothing scales down; afterwards everything is as it should be."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

import pytest

from testbed.harness.api_faults import AnswersLost, Counting, Refused, Slow, WatchesGone, WatchesSilent
from testbed.harness.api_proxy import ApiProxy
from testbed.harness.engine_fleet import EngineFleet
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, service
from testbed.waiting import eventually, throughout
from tests.integration.faults.matrix import Matrix
from tests.integration.test_scaling import QUEUE

pytestmark = pytest.mark.cluster

AT_ONCE = {"scaleDown": {"stabilizationSeconds": 0, "maxPercentPerMinute": 100}}
LOADED = 4
HOLD_SECONDS = 3
SLOW_SECONDS = 2.0

Made = Mapping[str, Callable[[], Counting]]

QUICK: Made = {
    "watches are open, and their events are lost": WatchesSilent,
    "every watch is answered with 410": WatchesGone,
    "writes get 503": lambda: Refused(HTTPStatus.SERVICE_UNAVAILABLE, reads=False),
}
OTHER: Made = {
    "all requests get 429 with Retry-After": lambda: Refused(HTTPStatus.TOO_MANY_REQUESTS, retry_after=1),
    "all requests get 500": lambda: Refused(HTTPStatus.INTERNAL_SERVER_ERROR),
    f"every answer takes {SLOW_SECONDS:g} s longer": lambda: Slow(SLOW_SECONDS),
    "writes land, and their answers are lost": AnswersLost,
}


def serve_under_load(world: World, engines: EngineFleet) -> None:
    world.apply(service(scaling=AT_ONCE))
    world.wait_until_serving()
    engines.report(**QUEUE)
    eventually("four replicas serve", lambda: world.ready_pods() == LOADED)


def assert_it_works_again(world: World) -> None:
    eventually("what was deleted is back", lambda: world.get("poddisruptionbudget", NAME), seconds=90)
    assert world.replicas() == LOADED
    world.wait_until_serving()


@pytest.mark.parametrize("faults", [QUICK, pytest.param(OTHER, marks=pytest.mark.faults)], ids=["quick", "other"])
def test_nothing_falls_while_the_api_server_fails(
    exposed: OperatorProcess, api: ApiProxy, engines: EngineFleet, world: World, *, matrix: Matrix, faults: Made
) -> None:
    exposed.start_and_lead()
    serve_under_load(world, engines)
    for what, made in faults.items():
        fault = made()
        api.set(fault)
        world.delete("poddisruptionbudget", NAME)
        eventually(f"{what}: it happens", partial(getattr, fault, "times"))
        throughout(f"{what}: replicas are held", lambda: world.replicas() == LOADED, seconds=HOLD_SECONDS)
        api.set()
        assert_it_works_again(world)
        assert exposed.is_running(), exposed.output()
        matrix.add(what, times=fault.times, observed="no replica removed; a child deleted meanwhile came back")
