"""The throughput of a replica, learned from periods in which it was saturated."""

import random
from dataclasses import replace

import pytest
from embedding_operator.domain.capacity.learning import LEAST_RATES, MOST_RATES
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.memory import LearnedPool, ScalingMemory
from embedding_operator.domain.observation import Pool, WorkSample
from embedding_operator.domain.status.memory_codec import remembered, written
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.world.observations import A10, at, load, observe, pool

BUSY = WorkSample(tokens_per_second=1500.0, in_flight=10.0, least_in_flight=10.0, waited=True)


def observed(work: WorkSample, *more: WorkSample, seed: float = A10) -> Pool:
    return replace(pool(ready=1 + len(more), speed=seed), work=(work, *more))


def after(*ticks: Pool, memory: ScalingMemory | None = None) -> Decision:
    """Return the last of the decisions that see the pool as in `ticks`, five seconds apart."""
    assert ticks
    for tick, each in enumerate(ticks):
        now = at(5 * tick)
        decision = decide(observe(each, measured=load(rate=100.0, now=now), memory=memory, now=now))
        memory = decision.memory
    return decision


def learned(decision: Decision) -> LearnedPool:
    (each,) = decision.memory.learned
    return each


def capacity(decision: Decision) -> float:
    return decision.targets[0].tokens_per_second


def test_the_seed_holds_until_a_replica_was_saturated_for_some_time() -> None:
    few = after(*[observed(BUSY)] * (LEAST_RATES - 1))
    assert (capacity(few), few.targets[0].is_learned) == (A10, False)
    enough = after(*[observed(BUSY)] * LEAST_RATES)
    assert (capacity(enough), enough.targets[0].is_learned) == (1500.0, True)


@pytest.mark.parametrize(
    "work",
    [
        BUSY._replace(waited=False),
        BUSY._replace(tokens_per_second=0.0),
        BUSY._replace(waited=False, in_flight=500.0, least_in_flight=500.0),
    ],
    ids=["nothing waited", "nothing was computed", "much in flight, but the knee is unknown"],
)
def test_a_replica_that_was_not_saturated_teaches_nothing(work: WorkSample) -> None:
    assert capacity(after(*[observed(work)] * 20)) == A10


def test_more_in_flight_than_the_knee_is_saturation() -> None:
    """A front end is full before the scheduler has a queue: the only sign is that more requests add no throughput."""
    slow = WorkSample(tokens_per_second=700.0, in_flight=32.0, least_in_flight=32.0)
    full = WorkSample(tokens_per_second=720.0, in_flight=128.0, least_in_flight=128.0)
    decision = after(*[observed(slow, full)] * 30)
    assert learned(decision).knee == 32
    assert capacity(decision) == 720.0


def test_a_few_more_in_flight_than_the_knee_are_chance() -> None:
    """A half-busy replica reaches a knee of 4 by chance at three polls in a row."""
    slow = WorkSample(tokens_per_second=700.0, in_flight=4.0, least_in_flight=4.0)
    more = WorkSample(tokens_per_second=720.0, in_flight=32.0, least_in_flight=32.0)
    decision = after(*[observed(slow, more)] * 30)
    assert learned(decision).knee == 4
    assert capacity(decision) == A10


def test_what_only_looks_saturated_does_not_count() -> None:
    """A replica never exceeds its capacity, but may stay below it while requests wait by chance."""
    half = BUSY._replace(tokens_per_second=750.0)
    assert capacity(after(*[observed(half)] * 17, *[observed(BUSY)] * 3)) == 1500.0


@pytest.mark.parametrize(("rate", "taken"), [(9000.0, 3 * A10), (10.0, 0.3 * A10), (1234.5, 1234.0)])
def test_what_is_learned_stays_near_the_seed(rate: float, taken: float) -> None:
    assert capacity(after(*[observed(BUSY._replace(tokens_per_second=rate))] * LEAST_RATES)) == taken


def test_the_median_of_replicas_and_of_time_counts() -> None:
    slow, odd = BUSY._replace(tokens_per_second=1400.0), BUSY._replace(tokens_per_second=90.0)
    decision = after(*[observed(BUSY, slow, odd)] * LEAST_RATES, *[observed(odd)] * 4)
    assert capacity(decision) == 1400.0


def test_only_the_last_times_count() -> None:
    decision = after(*[observed(BUSY)] * 60, *[observed(BUSY._replace(tokens_per_second=800.0))] * MOST_RATES)
    assert len(learned(decision).rates) == MOST_RATES
    assert capacity(decision) == 800.0


def test_another_seed_begins_anew() -> None:
    first = after(*[observed(BUSY)] * LEAST_RATES)
    again = after(observed(BUSY._replace(waited=False), seed=4000.0), memory=first.memory)
    assert (capacity(again), again.targets[0].is_learned) == (4000.0, False)
    assert learned(again).rates == ()


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_noise_moves_nothing(seed: int) -> None:
    noise = random.Random(seed)
    ticks = [observed(BUSY._replace(tokens_per_second=1500.0 * noise.uniform(0.9, 1.1))) for _ in range(120)]
    settled = after(*ticks[:MOST_RATES])
    taken = set()
    memory = settled.memory
    for tick in ticks[50:]:
        decision = after(tick, memory=memory)
        memory = decision.memory._replace(at=at(-5))
        taken.add(capacity(decision))
    assert len(taken) <= 2
    assert all(abs(each - 1500.0) <= 0.1 * 1500.0 for each in taken)


works = st.builds(
    WorkSample,
    tokens_per_second=st.floats(0, 1e6),
    in_flight=st.floats(0, 1e4),
    least_in_flight=st.floats(0, 1e4),
    waited=st.booleans(),
)


@given(st.lists(st.lists(works, max_size=5), min_size=1, max_size=60))
def test_whatever_replicas_do_it_is_bounded_and_survives_a_restart(ticks: list[list[WorkSample]]) -> None:
    decision = after(*(replace(pool(ready=1), work=tuple(each)) for each in ticks))
    assert 0.3 * A10 <= capacity(decision) <= 3 * A10
    assert decision.connection_limit is None or 8 <= decision.connection_limit <= 1024
    assert remembered(written(decision.memory)) == decision.memory
    assert len(written(decision.memory).model_dump_json()) < 4000


def test_idle_replicas_leave_the_memory_as_it_is() -> None:
    busy = after(*[observed(BUSY)] * LEAST_RATES)
    idle = WorkSample(tokens_per_second=0.0, in_flight=0.0, least_in_flight=0.0)
    assert after(*[observed(idle)] * 20, memory=busy.memory).memory.learned == busy.memory.learned
