"""KEDA and its autoscaler over time, against their documented periods."""

import pytest
from embedding_operator.simulation.baselines import keda, prometheus, triggers
from embedding_operator.simulation.baselines.daily_plan import DailyPlan
from embedding_operator.simulation.baselines.queue_autoscaler import QueueAutoscaler
from embedding_operator.simulation.baselines.scaled_objects import keda_queue, keda_queue_and_cron, keda_queue_and_rate

from tests.unit.simulation.views import A10, Service, pool, view

LOOK = 7.5


def looks(seconds: float) -> int:
    return int(seconds / LOOK)


def test_constants_are_those_of_keda() -> None:
    assert keda.POLLING_SECONDS == 30
    assert keda.COOLDOWN_SECONDS == 300
    assert keda.ACTIVATION_THRESHOLD == 0
    assert triggers.CronTrigger(plan=DailyPlan(replicas_by_hour=(1,) * 24)).target_per_replica == 1
    assert prometheus.SCRAPE_SECONDS == 15


def test_acts_on_the_scrape_half_a_period_before() -> None:
    policy = keda_queue(pool=A10, threshold=10)
    here = pool(replicas=2)
    assert policy.look(view(0.0, here, waiting=0)) == {}
    assert policy.look(view(7.5, here, waiting=50)) == {A10: 2}
    assert policy.look(view(15.0, here, waiting=50)) == {}
    assert policy.look(view(22.5, here, waiting=0)) == {A10: 5}


def test_queue_gives_one_replica_per_threshold_at_once_and_lets_go_after_300_seconds() -> None:
    service = Service(keda_queue(pool=A10, threshold=10), replicas=2)
    up = service.run(30, waiting=50)
    assert up == [2, 5, 5, 5]
    down = service.run(450)
    # The last scrape with a queue is that of 15 s, read at 22.5 s: its recommendation holds until 322.5 s.
    assert service.policy.period == LOOK
    assert down[: looks(322.5 - 30)] == [5] * looks(322.5 - 30)
    assert set(down[looks(322.5 - 30) :]) == {1}


def test_from_none_to_one_at_a_poll_every_30_seconds() -> None:
    service = Service(keda_queue(pool=A10), replicas=0, low=0)
    assert service.run(30) == [0, 0, 0, 0]
    assert service.run(22.5, waiting=1) == [0, 1, 1]


def test_last_replicas_go_300_seconds_after_the_last_active_poll() -> None:
    service = Service(keda_queue(pool=A10), replicas=1, low=0)
    service.run(37.5, waiting=1)
    quiet = service.run(400)
    # Active at the polls of 7.5 s and 37.5 s (which reads the scrape of 30 s); 337.5 s is not more than 300 s later.
    gone = quiet.index(0)
    assert service.policy.period * gone + 37.5 == 367.5


def test_keeps_the_minimum_when_there_is_one() -> None:
    service = Service(keda_queue(pool=A10), replicas=3, low=2)
    assert service.run(1200)[-1] == 2


def test_rate_holds_what_the_queue_would_let_go() -> None:
    policy = keda_queue_and_rate(pool=A10, tokens_per_second=1000, utilization=0.7, threshold=10)
    service = Service(policy, replicas=1)
    assert service.run(1800, rate=3200)[-1] == 5, "ceil(3200 / 700)"
    assert service.run(900, rate=0)[-1] == 1


def test_an_unknown_rate_is_an_error_that_holds_the_replicas() -> None:
    policy = keda_queue_and_rate(pool=A10, tokens_per_second=1000)
    service = Service(policy, replicas=4, low=0)
    assert service.run(15) == [4, 4], "one scrape: no rate yet, and an empty queue alone takes nothing away"


def test_larger_trigger_wins() -> None:
    policy = keda_queue_and_rate(pool=A10, tokens_per_second=1000, utilization=0.7, threshold=10)
    service = Service(policy, replicas=8)
    assert service.run(120, waiting=100, rate=3200)[-1] == 10


def test_cron_is_a_floor_by_the_hour() -> None:
    plan = DailyPlan(replicas_by_hour=(2, 6, *(1,) * 22))
    service = Service(keda_queue_and_cron(pool=A10, plan=plan), replicas=1)
    first, second, third = service.run(3600), service.run(3600), service.run(3600)
    assert first[-1] == 2
    assert second[1] == 6, "at the first sync of the hour, by 7.5 s"
    assert third[looks(285)] == 6, "the autoscaler stabilises a cron's end like anything else"
    assert third[looks(315)] == 1
    busy = service.run(60, waiting=40)
    assert busy[-1] == 4, "the queue goes above it"


@pytest.mark.parametrize("policy", [keda_queue(pool=A10), QueueAutoscaler(pool=A10)])
def test_no_more_than_the_maximum(policy: keda.Keda | QueueAutoscaler) -> None:
    assert Service(policy, replicas=1, high=3).run(60, waiting=1000)[-1] == 3


def test_plain_autoscaler_answers_as_keda_does_above_zero() -> None:
    load = [(60.0, 35), (30.0, 0), (120.0, 80), (600.0, 0), (60.0, 12)]
    ours, theirs = Service(QueueAutoscaler(pool=A10), replicas=1), Service(keda_queue(pool=A10), replicas=1)
    for seconds, waiting in load:
        assert ours.run(seconds, waiting=waiting) == theirs.run(seconds, waiting=waiting)


def test_plain_autoscaler_keeps_one() -> None:
    assert Service(QueueAutoscaler(pool=A10), replicas=2, low=0).run(600)[-1] == 1
