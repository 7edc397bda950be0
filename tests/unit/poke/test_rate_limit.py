"""How often something may happen."""

import itertools

import pytest
from embedding_operator.poke.rate_limit import REMEMBERED_KEYS, RateLimit
from hypothesis import given
from hypothesis import strategies as st


def test_the_first_comes_at_once_and_the_next_after_the_spacing() -> None:
    pace: RateLimit[str] = RateLimit(each=0.2, overall=0.0)
    assert pace.book("a", now=10.0) == 10.0
    assert pace.book("a", now=10.05) == 10.2
    assert pace.book("b", now=10.05) == 10.05


def test_a_time_that_has_not_come_is_given_out_again_and_then_the_one_after_it() -> None:
    pace: RateLimit[str] = RateLimit(each=0.2, overall=0.0)
    pace.book("a", now=10.0)
    assert [pace.book("a", now=now) for now in (10.01, 10.1, 10.19)] == [10.2, 10.2, 10.2]
    assert pace.book("a", now=10.2) == pytest.approx(10.4)


def test_all_keys_together_keep_the_overall_spacing() -> None:
    pace: RateLimit[int] = RateLimit(each=0.2, overall=0.5)
    assert [pace.book(key, now=10.0) for key in range(4)] == [10.0, 10.5, 11.0, 11.5]
    assert pace.book(9, now=60.0) == 60.0


def test_old_keys_are_forgotten() -> None:
    pace: RateLimit[int] = RateLimit(each=0.2, overall=0.0)
    for key in range(3 * REMEMBERED_KEYS):
        pace.book(key, now=float(key))
    assert len(pace._booked) <= REMEMBERED_KEYS


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=60))
def test_no_key_comes_more_often_than_allowed_and_each_wish_is_followed_by_a_time(
    wishes: list[tuple[str, float]],
) -> None:
    pace: RateLimit[str] = RateLimit(each=0.2, overall=0.02)
    now, booked = 0.0, dict[str, list[float]]()
    for key, gap in wishes:
        now += gap
        at = pace.book(key, now=now)
        assert at >= now
        times = booked.setdefault(key, [])
        if not times or at != times[-1]:
            times.append(at)
    for times in booked.values():
        assert all(later - earlier >= 0.2 - 1e-9 for earlier, later in itertools.pairwise(times))
    every = sorted(at for times in booked.values() for at in times)
    for first in range(len(every)):
        assert sum(1 for at in every if every[first] <= at < every[first] + 1.0) <= 3 * 6
