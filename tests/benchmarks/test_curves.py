"""The distance of two curves of replicas, computed by hand."""

import pytest

from benchmarks.curves import by_second, difference, steps


def test_changes_hold_until_the_next() -> None:
    assert by_second([(-3.0, 1), (2.2, 4), (4.9, 2)], seconds=7) == [1, 1, 4, 4, 2, 2, 2]


def test_before_the_first_change_there_was_what_it_brought() -> None:
    assert by_second([(3.0, 2)], seconds=5) == [2] * 5


def test_a_change_after_the_end_is_not_seen() -> None:
    assert by_second([(0.0, 1), (9.0, 5)], seconds=3) == [1, 1, 1]


def test_steps_are_all_that_there_is_to_a_curve() -> None:
    curve = [1, 1, 4, 4, 2]
    assert steps(curve) == [(0, 1), (2, 4), (4, 2)]
    assert by_second([(float(at), replicas) for at, replicas in steps(curve)], seconds=5) == curve
    assert steps([]) == []


def test_without_any_change_there_is_no_curve() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        by_second([], seconds=3)


def test_equal_curves_do_not_differ() -> None:
    found = difference([1, 2, 3, 3], [1, 2, 3, 3], most_shift=2)
    assert (found.mean, found.shift, found.replica_seconds, found.peaks) == (0.0, 0, 1.0, (3, 3))


@pytest.mark.parametrize(("one", "other", "shift"), [([1, 1, 1, 4, 4], [1, 1, 4, 4, 4], 1), ([1, 4, 4], [1, 1, 4], -1)])
def test_a_curve_that_is_only_late_differs_by_its_shift(one: list[int], other: list[int], shift: int) -> None:
    found = difference(one, other, most_shift=2)
    assert (found.mean, found.shift) == (0.0, shift)


def test_no_more_than_the_allowed_shift_is_forgiven() -> None:
    found = difference([1, 1, 1, 1, 4], [1, 4, 4, 4, 4], most_shift=1)
    assert found.mean == pytest.approx(6 / 4)


def test_what_differs_is_a_mean_over_time() -> None:
    found = difference([2, 2, 2, 2], [2, 3, 2, 4], most_shift=0)
    assert found.mean == pytest.approx(3 / 4)
    assert found.replica_seconds == pytest.approx(8 / 11)
    assert found.peaks == (2, 4)


@pytest.mark.parametrize(("one", "other"), [([1, 2], [1]), ([1, 2], [1, 2])])
def test_curves_that_cannot_be_compared_are_refused(one: list[int], other: list[int]) -> None:
    with pytest.raises(ValueError, match="equally long"):
        difference(one, other, most_shift=2)
