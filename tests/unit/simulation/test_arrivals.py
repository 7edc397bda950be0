"""Requests drawn from traces follow the laws of the traces, and are the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.arrivals import arrivals, tokens_per_slot
from embedding_operator.simulation.trace import Histogram, Law, Lengths, Trace
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.simulation.synthetic import diurnal, on_off, steady


def gaps(trace: Trace) -> np.ndarray:
    return np.diff(arrivals(trace, window=0, seed=3).times)


@pytest.mark.parametrize(
    ("law", "shape", "variation"), [(Law.GAMMA, 1.0, 1.0), (Law.GAMMA, 0.25, 2.0), (Law.WEIBULL, 0.6, 1.758)]
)
def test_times_between_requests_have_the_mean_and_the_variation_of_the_law(
    law: Law, shape: float, variation: float
) -> None:
    between = gaps(steady(rate=200.0, law=law, shape=shape))
    assert between.mean() == pytest.approx(1 / 200.0, rel=0.03)
    assert between.std() / between.mean() == pytest.approx(variation, rel=0.05)


def test_scaling_keeps_the_variation() -> None:
    bursty = steady(rate=100.0, shape=0.1)
    before, after = gaps(bursty), gaps(bursty.scaled(4.0))
    assert before.mean() / after.mean() == pytest.approx(4.0, rel=0.1)
    assert after.std() / after.mean() == pytest.approx(before.std() / before.mean(), rel=0.1)


def test_lengths_follow_the_histogram_that_holds_then() -> None:
    early, late = Histogram.of([10, 500], [0.9, 0.1]), Histogram.of([7], [1.0])
    trace = steady(rate=100.0, lengths=Lengths(np.array([0.0, 600.0]), (early, late)))
    first, second = (arrivals(trace, window=window, seed=1).tokens for window in (0, 1))
    assert set(first) == {10, 500}
    assert (first == 500).mean() == pytest.approx(0.1, abs=0.01)
    assert set(second) == {7}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    trace = diurnal(rate=5.0, days=1.0)
    one, same, other = (arrivals(trace, window=9, seed=seed) for seed in (1, 1, 2))
    assert one.times.tobytes() == same.times.tobytes()
    assert one.tokens.tobytes() == same.tokens.tobytes()
    assert one.times.tobytes() != other.times.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 300.0), st.floats(0.02, 4.0), st.sampled_from(list(Law)), st.integers(0, 5))
def test_requests_lie_in_their_window_in_order(rate: float, shape: float, law: Law, window: int) -> None:
    came = arrivals(steady(rate=rate, shape=shape, law=law), window=window, seed=11)
    assert (np.diff(came.times) >= 0).all()
    assert ((came.times >= window * 600.0) & (came.times < (window + 1) * 600.0)).all()
    assert len(came.times) == len(came.tokens)


def test_a_client_that_is_off_sends_nothing() -> None:
    trace = on_off(rate=3.0)
    assert len(arrivals(trace, window=0, seed=1).times) == 0
    assert len(arrivals(trace, window=60, seed=1).times) > 1000


def test_recorded_requests_are_replayed_as_they_are() -> None:
    trace = recorded()
    came = arrivals(trace, window=0, seed=1)
    assert came.times.tolist() == [1.0, 2.0]
    assert came.tokens.tolist() == [5, 6]
    assert arrivals(trace, window=1, seed=1).times.tolist() == [700.0]


def test_scaled_recorded_requests_repeat_within_a_second() -> None:
    came = arrivals(recorded().scaled(3.0), window=0, seed=1)
    assert sorted(came.tokens.tolist()) == [5, 5, 5, 6, 6, 6]
    assert ((came.times >= 1.0) & (came.times < 3.0)).all()
    assert len(arrivals(recorded().scaled(0.0), window=0, seed=1).times) == 0


def test_slots_hold_all_tokens_that_arrive() -> None:
    trace = diurnal(rate=2.0, days=1.0)
    slots = tokens_per_slot(trace, seed=4, begin=3600.0, end=10_800.0, slot=60.0)
    came = [arrivals(trace, window=window, seed=4) for window in range(6, 18)]
    assert len(slots) == 120
    assert slots.sum() == sum(each.tokens.sum() for each in came)


def recorded() -> Trace:
    return replace(
        steady(rate=0.005),
        instants=np.array([1.0, 2.0, 700.0]),
        sizes=np.array([5, 6, 7], dtype=np.int64),
    )
