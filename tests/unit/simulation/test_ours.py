"""Our policy is the operator's decision, with the same inputs as the operator's."""

from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.domain.observation import WorkSample
from embedding_operator.simulation.ours import EPOCH, Ours
from embedding_operator.simulation.policy import PodView, PoolView, View

HOUR = 3600.0


def spec(**further: object) -> EmbeddingServiceSpec:
    return EmbeddingServiceSpec.model_validate(
        {
            "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-4B"}},
            "pools": [{"gpuPool": "a10", "minReplicas": 1, "maxReplicas": 10}],
            **further,
        }
    )


def view(
    now: float, *, rate: float = 0.0, waiting: int = 0, held: int = 0, replicas: int = 2, pods: int | None = None
) -> View:
    """Return a service with `rate` requests per second of 100 tokens; one replica computes 1,000 tokens/s."""
    arrived = int(rate * now)
    placed = replicas if pods is None else pods
    return View(
        now=now,
        waiting_requests=waiting,
        waiting_tokens=100.0 * waiting,
        in_flight=waiting,
        arrived_requests=arrived,
        arrived_tokens=100.0 * arrived,
        answered_requests=arrived - waiting,
        answered_tokens=100.0 * (arrived - waiting),
        held_requests=held,
        held_tokens=100.0 * held,
        pools=(
            PoolView(
                name="a10",
                replicas=replicas,
                min_replicas=1,
                max_replicas=10,
                tokens_per_second=1000.0,
                hourly_price=1.0,
                pods=tuple(pod(uid, has_node=uid < placed) for uid in range(replicas)),
            ),
        ),
    )


def pod(uid: int, *, has_node: bool) -> PodView:
    return PodView(uid=uid, created_at=0.0, ready_at=60.0 if has_node else None, has_node=has_node)


def looked(policy: Ours, *, until: float = 120.0, rate: float, **further: int) -> int:
    """Return the replicas after decisions every 5 s; requested replicas exist at the next decision."""
    replicas = 2
    for step in range(int(until / 5) + 1):
        replicas = policy.look(view(600.0 + 5.0 * step, rate=rate, replicas=replicas, **further))["a10"]
    return replicas


def test_asks_for_what_the_rate_needs() -> None:
    assert looked(Ours(spec()), rate=38.0, until=HOUR) == 5


def test_the_observation_says_what_was_measured() -> None:
    policy = Ours(spec())
    for step in range(13):
        seen = policy.observation(view(600.0 + 5.0 * step, rate=40.0))
    assert seen.now == EPOCH + timedelta(seconds=660.0)
    assert seen.load is not None
    assert seen.load.arrival_tokens_per_second == pytest.approx(4000.0)
    assert (seen.load.reporting, seen.load.expected) == (2, 2)
    assert seen.gateway is not None
    assert seen.gateway.is_complete
    assert seen.gateway.requests_per_second == pytest.approx(40.0)


def test_what_the_gateway_holds_is_waiting() -> None:
    policy = Ours(spec())
    policy.observation(view(600.0, rate=40.0))
    seen = policy.observation(view(605.0, rate=40.0, waiting=30, held=20))
    assert seen.gateway is not None
    assert seen.gateway.waiting == 20.0
    assert seen.load is not None
    assert seen.load.queue_requests == 20.0


def test_without_feed_forward_only_the_queue_counts() -> None:
    assert looked(Ours(spec(), hears_rate=False), rate=40.0) == 2
    assert looked(Ours(spec(), hears_rate=False), rate=40.0, waiting=30, held=30) == 4


def test_without_the_queue_term_only_the_rate_counts() -> None:
    assert looked(Ours(spec(), hears_queue=False), rate=10.0, waiting=500, held=500) == 2


def test_windows_of_the_service_are_kept_and_prepared() -> None:
    window = {
        "name": "day",
        "start": "08:00",
        "end": "18:00",
        "pools": [{"gpuPool": "a10", "minReplicas": 4, "maxReplicas": 9}],
    }
    policy = Ours(spec(schedule={"timeZone": "UTC", "windows": [window]}))
    assert policy.look(view(7.8 * HOUR))["a10"] == 2
    assert policy.look(view(7.9 * HOUR))["a10"] == 4
    assert policy.look(view(8.0 * HOUR, replicas=4))["a10"] == 4


def test_replicas_without_a_node_are_stuck() -> None:
    seen = Ours(spec()).observation(view(600.0, replicas=5, pods=3))
    assert [pod.stuck for pod in seen.pools[0].pods] == [None, None, None, Reason.UNSCHEDULABLE, Reason.UNSCHEDULABLE]


@pytest.mark.parametrize(("age", "stuck"), [(599.0, None), (601.0, Reason.START_OVERDUE)])
def test_a_start_is_overdue_after_twice_the_time_that_one_takes(age: float, stuck: Reason | None) -> None:
    shown = view(age, replicas=1)
    late = PodView(uid=7, created_at=0.0, ready_at=None)
    seen = Ours(spec()).observation(shown._replace(pools=(shown.pools[0]._replace(pods=(late,)),)))
    assert [pod.stuck for pod in seen.pools[0].pods] == [stuck]


def test_what_replicas_did_since_the_last_look_is_told() -> None:
    policy = Ours(spec())
    for step in range(3):
        busy = PodView(uid=7, created_at=0.0, ready_at=60.0, in_flight=9, queue_tokens=400.0, done_tokens=5000.0 * step)
        shown = view(600.0 + 5.0 * step, replicas=1)
        seen = policy.observation(shown._replace(pools=(shown.pools[0]._replace(pods=(busy,)),)))
    assert seen.pools[0].work == (
        WorkSample(tokens_per_second=1000.0, in_flight=9.0, least_in_flight=9.0, waited=True),
    )


def test_an_advisory_service_keeps_what_it_has() -> None:
    policy = Ours(spec(scaling={"mode": "Advisory"}))
    assert policy.look(view(600.0, rate=40.0, waiting=500)) == {}
