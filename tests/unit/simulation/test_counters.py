"""The simulator's shortcut to the load matches the operator's own arithmetic, value by value."""

from datetime import timedelta
from itertools import accumulate

from embedding_operator.domain.load.engine_load import EngineSample, measure, recent_tokens_per_request
from embedding_operator.domain.load.gateway_load import GatewaySample, listen
from embedding_operator.simulation.counters import Sample, load_of_engine, load_of_gateway, tokens_per_request
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON

ENGINE = "engine"
GATEWAY = "gateway"

counts = st.integers(0, 3) | st.integers(0, 100_000)
moves = st.lists(st.tuples(st.sampled_from([1, 2, 3, 5, 5, 5, 10, 40]), *[counts] * 7), min_size=1, max_size=8)


def samples_of(moves: list[tuple[int, ...]]) -> list[Sample]:
    """Return the samples of a minute whose counters never run backwards, the newest taken at noon."""
    ages = [0, *accumulate(seconds for seconds, *_ in moves[1:])]
    arrived, requests, tokens = (list(accumulate(move[column] for move in reversed(moves))) for column in (1, 2, 3))
    newest_last = zip(reversed(ages), reversed(moves), arrived, requests, tokens, strict=True)
    return [
        Sample(
            taken_at=NOON - timedelta(seconds=age),
            outstanding=running + queued + held,
            held_requests=held,
            queue_requests=queued,
            queue_tokens=queue_tokens,
            arrived_requests=came,
            answered_requests=answered,
            answered_tokens=done,
        )
        for age, (*_, running, queued, queue_tokens, held), came, answered, done in newest_last
        if age <= 60
    ]


def of_engine(sample: Sample) -> EngineSample:
    at_engine = sample.outstanding - sample.held_requests
    return EngineSample(
        pod_uid=ENGINE,
        taken_at=sample.taken_at,
        in_flight=at_engine,
        running=at_engine - sample.queue_requests,
        waiting_requests=sample.queue_requests,
        waiting_tokens=sample.queue_tokens,
        tokens_done=sample.answered_tokens,
        requests_done=sample.answered_requests,
    )


def of_gateway(sample: Sample) -> GatewaySample:
    return GatewaySample(
        pod_uid=GATEWAY,
        taken_at=sample.taken_at,
        outstanding=sample.outstanding,
        requests=sample.arrived_requests,
        engines={ENGINE: sample.outstanding - sample.held_requests},
    )


@given(moves)
def test_the_engine_says_what_the_operator_would_measure(moves: list[tuple[int, ...]]) -> None:
    samples = samples_of(moves)
    measured = measure({ENGINE: [of_engine(sample) for sample in samples]}, ready=[ENGINE], now=NOON)
    assert load_of_engine(samples, replicas=1) == measured


@given(moves)
def test_the_gateway_says_what_the_operator_would_hear(moves: list[tuple[int, ...]]) -> None:
    samples = samples_of(moves)
    series = {GATEWAY: [of_gateway(sample) for sample in samples]}
    heard = listen(series, present=[GATEWAY], ready=[GATEWAY], now=NOON)
    assert load_of_gateway(samples, holds=True) == heard


@given(moves)
def test_without_a_ready_engine_the_length_of_a_request_is_that_of_late(moves: list[tuple[int, ...]]) -> None:
    samples = samples_of(moves)
    recent = recent_tokens_per_request({ENGINE: [of_engine(sample) for sample in samples]}, now=NOON)
    assert tokens_per_request(samples, ever=False) == recent


def test_one_engine_stands_for_many_replicas() -> None:
    load = load_of_engine(samples_of([(1, 0, 0, 0, 0, 0, 0, 0)]), replicas=3)
    assert (load.reporting, load.expected) == (3, 3)
