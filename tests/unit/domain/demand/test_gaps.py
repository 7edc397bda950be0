"""What is silent holds the rest for two minutes, and counts as busy from then on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.demand.gaps import GAP_SECONDS, assumed_load
from embedding_operator.domain.observation import GatewayLoad, Load, Observation
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.observations import A10, at, bounds, gateway, load, observe, pool, settled_memory

LONG_AGO = NOON - timedelta(seconds=GAP_SECONDS)


def scene(*, ready: int, measured: Load, heard: GatewayLoad | None = None, missing_for: float = 0.0) -> Observation:
    memory = settled_memory(ready * A10)._replace(gap_since=at(-missing_for))
    return observe(pool(ready=ready), allowed=bounds(("a10", 1, 60)), measured=measured, heard=heard, memory=memory)


def wanted(observation: Observation) -> int:
    return sum(target.replicas for target in decide(observation).targets)


def test_one_silent_replica_of_thirty_holds_the_others_for_two_minutes_only() -> None:
    measured = load(rate=8000.0, reporting=29, expected=30)
    assert wanted(scene(ready=30, measured=measured, missing_for=GAP_SECONDS - 1)) == 30
    decision = decide(scene(ready=30, measured=measured, missing_for=GAP_SECONDS))
    # 8,000 tokens/s that are known and 1,000 that are assumed take 12 replicas; half may go in a minute.
    assert sum(target.replicas for target in decision.targets) == 15
    assert 11250 <= decision.required <= 13000
    assert StepReason.PARTIAL_METRICS_ASSUMED in decision.reasons()
    assert decision.memory.gap_since == LONG_AGO


def test_what_is_assumed_starts_no_replica() -> None:
    measured = load(rate=2300.0, reporting=1, expected=3)
    assert wanted(scene(ready=3, measured=measured, missing_for=GAP_SECONDS)) == 3


def test_a_gateway_pod_that_keeps_restarting_does_not_hold_the_service() -> None:
    measured = load(rate=800.0, reporting=8)
    heard = gateway(rate=8.0, quiet_since=None, reporting=1)
    assert wanted(scene(ready=8, measured=measured, heard=heard, missing_for=GAP_SECONDS - 1)) == 8
    assert wanted(scene(ready=8, measured=measured, heard=heard, missing_for=GAP_SECONDS)) == 4


def test_a_silent_gateway_pod_counts_as_the_others() -> None:
    heard = gateway(rate=20.0, waiting=3, quiet_since=None, answering=1)
    measured = replace(load(rate=1000.0, reporting=4), tokens_per_request=100.0)
    observation = scene(ready=4, measured=measured, heard=heard)
    assumed = assumed_load(measured, observation=observation, since=LONG_AGO)
    assert assumed is not None
    assert assumed.arrival_tokens_per_second == 2 * 20.0 * 100.0
    assert assumed.work_that_waits == 2 * 3 * 100.0


@pytest.mark.parametrize(
    ("measured", "heard"),
    [
        (load(rate=100.0, reporting=0, expected=3), None),
        (load(rate=None, reporting=2, expected=3), None),
        (load(rate=100.0, reporting=3), gateway(answering=0, rate=None)),
        (load(rate=100.0, reporting=3), gateway(answering=0, expected=0, rate=None)),
    ],
    ids=["no replica reports", "no rate is known", "no gateway pod answers", "no gateway pod is Ready"],
)
def test_where_nothing_can_be_assumed_nothing_shrinks(measured: Load, heard: GatewayLoad | None) -> None:
    assert wanted(scene(ready=3, measured=measured, heard=heard, missing_for=86400)) == 3


def test_a_gap_that_ends_is_forgotten() -> None:
    decision = decide(scene(ready=3, measured=load(rate=100.0, reporting=3), missing_for=600))
    assert decision.memory.gap_since is None


@given(
    ready=st.integers(1, 30),
    silent=st.integers(1, 30),
    rate=st.floats(0, 40000),
    queue=st.integers(0, 500),
)
def test_what_is_silent_never_makes_a_service_smaller_than_if_it_were_busy_or_idle(
    ready: int, silent: int, rate: float, queue: int
) -> None:
    silent = min(silent, ready)
    partial = load(rate=rate, queue=queue, reporting=ready - silent, expected=ready)
    idle = load(rate=rate, queue=queue, reporting=ready)
    busy = load(rate=rate + silent * A10, queue=queue, reporting=ready)
    assumed = wanted(scene(ready=ready, measured=partial, missing_for=GAP_SECONDS))
    assert assumed >= wanted(scene(ready=ready, measured=idle))
    assert assumed >= min(ready, wanted(scene(ready=ready, measured=busy)))
