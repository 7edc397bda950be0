"""The history behind the stabilization windows: what was needed before, and what returned."""

import pytest
from embedding_operator.domain.demand.stabilization import refilled_within, remembered
from embedding_operator.domain.memory import RequirementBucket
from hypothesis import given
from hypothesis import strategies as st

from tests.world.observations import at

Buckets = tuple[RequirementBucket, ...]


def history(*levels: tuple[float, float]) -> Buckets:
    """Return what a decision every 5 s remembers of (seconds, recommendation), one after the other, until now."""
    moment = -sum(seconds for seconds, _ in levels)
    buckets: Buckets = ()
    for seconds, recommended in levels:
        for _ in range(int(seconds // 5)):
            moment += 5
            buckets = remembered(
                buckets, now=at(moment), recommended=recommended, demand=recommended, keep_seconds=1800
            )
    return buckets


def refilled(buckets: Buckets, *, required: float) -> float:
    return refilled_within(buckets, now=at(0), seconds=700, hold=300, required=required)


@pytest.mark.parametrize(
    ("levels", "required", "expected"),
    [
        ([(600, 6000.0), (400, 1000.0)], 6000.0, 5000.0),
        ([(600, 6000.0), (400, 1000.0)], 3000.0, 2000.0),
        ([(600, 6000.0), (400, 1000.0)], 9000.0, 5000.0),
        ([(600, 6000.0), (280, 1000.0)], 6000.0, 0.0),
        ([(600, 6000.0), (720, 1000.0)], 6000.0, 0.0),
        ([(600, 1000.0), (400, 6000.0)], 6000.0, 0.0),
        ([(600, 6000.0), (400, 1000.0)], 1000.0, 0.0),
        ([], 6000.0, 0.0),
    ],
    ids=["all of it", "a part", "more than before", "still held", "too late", "new", "gone", "no history"],
)
def test_what_returns(levels: list[tuple[float, float]], required: float, expected: float) -> None:
    assert refilled(history(*levels), required=required) == expected


def test_what_returns_little_by_little() -> None:
    """At no moment does a replica more return; together, two do."""
    rising = [(30.0, 1000.0 + 200.0 * number) for number in range(11)]
    assert refilled(history((300, 6000.0), (320, 1000.0), *rising), required=3200.0) == 2200.0


@given(
    st.lists(st.tuples(st.integers(5, 400).map(float), st.floats(0, 1e5)), max_size=6),
    st.floats(0, 1e5),
)
def test_no_more_returns_than_is_required_and_was_needed(levels: list[tuple[float, float]], required: float) -> None:
    found = refilled(history(*levels), required=required)
    assert 0.0 <= found <= min(required, max((level for _, level in levels), default=0.0))
