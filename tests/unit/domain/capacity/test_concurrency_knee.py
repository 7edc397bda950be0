"""How many concurrent requests an engine can use, learned from its throughput at each concurrency."""

import random

import pytest
from embedding_operator.domain.capacity.concurrency_knee import (
    LEAST_KNEE,
    MOST_IN_FLIGHT,
    UNLEARNED_LIMIT,
    connection_limit,
    learned_curve,
    learned_knee,
)
from embedding_operator.domain.memory import LoadPoint
from embedding_operator.domain.observation import WorkSample
from hypothesis import given
from hypothesis import strategies as st


def work(in_flight: float, rate: float) -> WorkSample:
    return WorkSample(tokens_per_second=rate, in_flight=in_flight, least_in_flight=in_flight)


def curve(*points: tuple[int, float], samples: int = 9) -> tuple[LoadPoint, ...]:
    return tuple(LoadPoint(in_flight=n, tokens_per_second=rate, samples=samples) for n, rate in points)


FLAT_FROM_16 = curve((4, 400.0), (8, 800.0), (16, 1500.0), (32, 1600.0), (64, 1590.0))


@pytest.mark.parametrize(
    ("points", "before", "after"),
    [
        ((), None, None),
        (curve((1, 100.0), (2, 200.0), (4, 390.0)), None, None),
        (FLAT_FROM_16, None, 16),
        (curve((16, 1500.0), (32, 1600.0), samples=4), None, None),
        (curve((1, 900.0), (2, 1000.0), (4, 1000.0)), None, LEAST_KNEE),
        (curve((32, 1000.0), (64, 2000.0)), None, 64),
        (curve((32, 1000.0), (64, 2000.0)), 64, 64),
        (curve((32, 1000.0), (64, 2000.0), (128, 2050.0)), 64, 64),
        (curve((32, 1000.0), (64, 2000.0), (128, 2300.0), (256, 2300.0)), 64, 64),
        (curve((32, 1000.0), (64, 1900.0), (128, 2300.0), (256, 2300.0)), 64, 128),
        (curve((16, 1500.0), (32, 1600.0), (64, 1600.0)), 32, 32),
        (curve((16, 1550.0), (32, 1600.0), (64, 1600.0)), 32, 16),
        (curve((16, 0.0), (32, 0.0)), 32, 32),
    ],
    ids=[
        "nothing is known",
        "still rising, and far from what engines get",
        "flat from 16 on",
        "too few samples",
        "never below the least",
        "rising at the end of what engines get: they may get more",
        "rising at the knee that is taken",
        "flat after it got more",
        "a point above that is a little better moves nothing",
        "a point above that is clearly better does",
        "a point below that is a little worse moves nothing",
        "a point below that is as good does",
        "an engine that computes nothing teaches nothing",
    ],
)
def test_the_knee_of_a_curve(points: tuple[LoadPoint, ...], before: int | None, after: int | None) -> None:
    assert learned_knee(points, knee=before) == after


@pytest.mark.parametrize(
    ("knees", "limit"),
    [
        ([], None),
        ([None, None], None),
        ([16], 32),
        ([64], 128),
        ([8, None], UNLEARNED_LIMIT),
        ([8, 64], 128),
        ([8], 16),
    ],
)
def test_engines_get_twice_what_they_can_use_and_none_less_than_it_needs(
    knees: list[int | None], limit: int | None
) -> None:
    assert connection_limit(knees) == limit


def test_requests_that_come_and_go_are_no_point_of_the_curve() -> None:
    assert learned_curve((), [WorkSample(tokens_per_second=500.0, in_flight=10.0, least_in_flight=2.0)]) == ()
    assert learned_curve((), [work(0.4, 5.0)]) == ()


def test_a_curve_keeps_the_powers_of_two_and_moves_slowly() -> None:
    known = learned_curve((), [work(15.0, 1000.0), work(17.0, 2000.0), work(9000.0, 1.0)])
    assert known == (
        LoadPoint(in_flight=16, tokens_per_second=1500.0, samples=2),
        LoadPoint(in_flight=MOST_IN_FLIGHT, tokens_per_second=1.0, samples=1),
    )
    settled = curve((16, 1000.0), samples=20)
    assert learned_curve(settled, [work(16, 2000.0)])[0].tokens_per_second == 1050.0


@given(
    capacity=st.floats(200, 100_000), true_knee=st.integers(1, 400), seed=st.integers(0, 2**32), share=st.floats(1, 3)
)
def test_an_engine_is_never_kept_from_working_and_its_limit_does_not_wander(
    capacity: float, true_knee: int, seed: int, share: float
) -> None:
    """A gateway fills its engine to the limit, with noise: the limit grows until it is sufficient, and stays there."""
    noise = random.Random(seed)
    points: tuple[LoadPoint, ...] = ()
    knee: int | None = None
    limits = []
    for _ in range(600):
        limit = connection_limit([knee]) or UNLEARNED_LIMIT
        limits.append(limit)
        in_flight = max(1.0, min(share * limit, 10_000.0) * noise.choice([0.1, 0.3, 1.0, 1.0, 1.0]))
        rate = capacity * min(1.0, in_flight / true_knee) * noise.uniform(0.95, 1.05)
        points = learned_curve(points, [work(in_flight, rate)])
        knee = learned_knee(points, knee=knee)

    assert limits[-1] >= min(true_knee, MOST_IN_FLIGHT)
    assert limits[-1] <= max(2 * UNLEARNED_LIMIT, 8 * true_knee)
    assert len(set(limits[-200:])) <= 2
