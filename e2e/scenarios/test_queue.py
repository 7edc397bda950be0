import time

import pytest

from e2e.scenarios.clients import Clients, Load
from e2e.scenarios.queue_story import GROWN, MINIMUM, grow_and_fall
from e2e.scenarios.watching import Sight, Watched, filmed

pytestmark = pytest.mark.kind

PARTIAL = ("True", "Partial")
BLIND_SECONDS = 30.0
"""Three times the sample's stabilization window: with metrics, replicas would be removed in this time."""


def test_replicas_follow_the_queue_and_are_held_while_metrics_are_missing(
    queue: Watched, queue_clients: Clients
) -> None:
    def end_load_blindly(load: Load) -> dict[str, object]:
        all_serve = queue.wait_for(_all_serve, seconds=30, purpose="all replicas serve")
        engines = [pod.address for pod in all_serve.pods]
        queue_clients.set_faults("metrics-absent", "loads-absent", engines=engines)
        summary = load.stop()
        # the gateway still reports what waits, but not what the engines compute
        queue.wait_for(lambda _: queue.condition("MetricsAvailable") == PARTIAL, seconds=30, purpose="silent engines")
        before = queue.sight()
        with filmed(queue) as blind:
            time.sleep(BLIND_SECONDS)
        assert before.wanted >= GROWN > MINIMUM
        assert {sight.wanted for sight in blind.sights} == {before.wanted}
        queue_clients.set_faults(engines=engines)
        return summary

    grow_and_fall(queue, clients=queue_clients, when_grown=lambda: None, end_load=end_load_blindly)
    assert queue.condition("Ready")[0] == "True"


def _all_serve(sight: Sight) -> bool:
    return sight.serving() == len(sight.pods) == sight.wanted
