import numpy as np
import pytest
from embedding_operator.simulation.clairvoyant_load import required_load
from hypothesis import given, settings
from hypothesis import strategies as st


def required(*work: float, bins: int, slack: float, seconds: float = 1.0) -> list[float]:
    load = required_load(np.array(work), bin_seconds=seconds, bins_per_slot=bins, slack_seconds=slack)
    return [float(rate) for rate in load]


def by_definition(work: list[float], *, bins: int, slack: float) -> list[float]:
    work = work + [0.0] * (-len(work) % bins)
    rates = []
    for first in range(0, len(work), bins):
        stretches = [
            sum(work[begin:end]) / (end - begin + slack)
            for begin in range(first, first + bins)
            for end in range(begin + 1, first + bins + 1)
            if end + slack <= first + bins
        ]
        rates.append(max([*stretches, sum(work[first : first + bins]) / bins]))
    return rates


def serves_in_time(work: list[float], *, rate: float, slack: float) -> bool:
    """Serve at `rate`, first come first served; return whether the arrivals of each bin are done in time."""
    queue = 0.0
    for arrived in work:
        queue = max(0.0, queue + arrived - rate)
        if queue > rate * slack + 1e-6:
            return False
    return True


def test_without_slack_the_busiest_bin_counts() -> None:
    assert required(1, 5, 3, 0, 2, 2, bins=3, slack=0) == [5.0, 2.0]


def test_slack_spreads_a_burst() -> None:
    # Six in one second may take two, and nine in two seconds three: so three a second are enough.
    assert required(0, 3, 6, 0, bins=4, slack=1) == [3.0]
    assert required(0, 0, 6, 0, bins=4, slack=1) == [3.0]


def test_a_burst_at_the_end_counts_with_the_whole_slot_alone() -> None:
    assert required(0, 0, 0, 8, bins=4, slack=1) == [2.0]


def test_a_load_that_lasts_is_carried_in_full() -> None:
    assert required(*[5.0] * 8, bins=4, slack=1) == [5.0, 5.0]


def test_bins_need_not_be_seconds() -> None:
    assert required(10, 0, 0, 0, bins=4, slack=2, seconds=5) == [pytest.approx(10 / 7)]


def test_the_last_slot_is_filled_up() -> None:
    assert required(1, 1, 1, 1, 9, bins=4, slack=0) == [1.0, 9.0]


def test_slack_as_long_as_the_slot_is_refused() -> None:
    with pytest.raises(ValueError, match="slack_seconds: 4 leaves nothing of a slot of 4 s"):
        required(1, bins=4, slack=4)


works = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=25)


@settings(deadline=None)
@given(work=works, bins=st.integers(3, 6), slack=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_is_what_its_definition_says(work: list[float], bins: int, slack: float) -> None:
    assert required(*work, bins=bins, slack=slack) == pytest.approx(by_definition(work, bins=bins, slack=slack))


@settings(deadline=None)
@given(work=works, slack=st.sampled_from([0.0, 1.0, 2.0]), share=st.floats(0.5, 0.99))
def test_less_than_required_is_late(work: list[float], slack: float, share: float) -> None:
    quiet = [0.0] * int(slack)
    rate = required(*work, *quiet, bins=len(work) + len(quiet) + int(slack == 0), slack=slack)[0]
    assert serves_in_time(work, rate=rate, slack=slack)
    assert rate == 0 or not serves_in_time(work, rate=rate * share, slack=slack)
