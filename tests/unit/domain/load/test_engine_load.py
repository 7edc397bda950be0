"""From samples of engines to the load of a service."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from embedding_operator.domain.load.engine_load import EngineSample, Series, measure, recent_tokens_per_request
from embedding_operator.domain.observation import TOKENS_PER_REQUEST, Load
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON

PERIOD = 5.0
FIGURES = ("in_flight", "running", "waiting_requests", "waiting_tokens", "tokens_done", "requests_done", "refused")


def sample(uid: str = "a", *, ago: float = 0.0, **figures: Any) -> EngineSample:
    """Return a sample of an idle engine, except for `figures`."""
    idle: dict[str, Any] = dict.fromkeys(FIGURES, 0.0)
    return EngineSample(pod_uid=uid, taken_at=NOON - timedelta(seconds=ago), **(idle | figures))


def without(uid: str, figure: str) -> EngineSample:
    missing: dict[str, Any] = {figure: None}
    return sample(uid, **missing)


def load_of(*samples: EngineSample, ready: Sequence[str] | None = None) -> Load | None:
    series: dict[str, list[EngineSample]] = {}
    for each in sorted(samples, key=lambda each: each.taken_at):
        series.setdefault(each.pod_uid, []).append(each)
    return measure(series, ready=list(series) if ready is None else ready, now=NOON)


def known(*samples: EngineSample, ready: Sequence[str] | None = None) -> Load:
    load = load_of(*samples, ready=ready)
    assert load is not None
    return load


# Unknown values


@pytest.mark.parametrize(
    ("samples", "ready"),
    [
        ([], []),
        ([], ["a"]),
        ([sample("gone")], ["a"]),
        ([sample("a")], []),
        ([sample("a", ago=15.1)], ["a"]),
        ([sample("a", ago=-15.1)], ["a"]),
        ([EngineSample(pod_uid="a", taken_at=NOON)], ["a"]),
    ],
    ids=["no pods", "no sample", "of another pod", "none Ready", "too old", "from the future", "says nothing"],
)
def test_nothing_reported_is_no_load_at_all(samples: list[EngineSample], ready: list[str]) -> None:
    assert load_of(*samples, ready=ready) is None


def test_an_idle_engine_is_a_load_of_zero() -> None:
    assert known(sample(ago=5), sample()) == Load(
        sampled_at=NOON,
        queue_requests=0.0,
        queue_tokens=0.0,
        arrival_tokens_per_second=0.0,
        burst_tokens_per_second=0.0,
        reporting=1,
        expected=1,
    )


def test_one_sample_says_nothing_about_arrivals() -> None:
    assert known(sample(tokens_done=1e6)).arrival_tokens_per_second is None


def test_two_samples_a_moment_apart_say_nothing_about_arrivals() -> None:
    assert known(sample(ago=2.4, tokens_done=0), sample(tokens_done=1e6)).arrival_tokens_per_second is None


def test_samples_that_come_at_any_time_do_not_change_the_rate() -> None:
    moments = [60, 55, 50, 49.8, 49.6, 45, 40, 30, 25, 10, 5, 4.9, 0.3, 0]
    load = known(*(sample(ago=ago, tokens_done=6000 - 100 * ago) for ago in moments))
    assert load.arrival_tokens_per_second == pytest.approx(100.0)


def test_the_length_of_a_request_is_known_without_a_ready_engine() -> None:
    left = [sample(ago=40, tokens_done=0, requests_done=0), sample(ago=30, tokens_done=5000, requests_done=50)]
    assert recent_tokens_per_request({"a": left}, now=NOON) == pytest.approx(100.0)
    assert recent_tokens_per_request({}, now=NOON) == TOKENS_PER_REQUEST


def test_a_new_ready_pod_without_a_sample_lowers_the_coverage() -> None:
    load = known(sample("a", ago=5), sample("a"), ready=["a", "new"])
    assert (load.reporting, load.expected) == (1, 2)


def test_the_age_of_the_load_is_that_of_its_oldest_value() -> None:
    assert known(sample("a", ago=12), sample("b", ago=1)).sampled_at == NOON - timedelta(seconds=12)


def test_an_old_sample_of_one_pod_is_left_out_and_detected() -> None:
    load = known(sample("a", in_flight=3), sample("b", ago=16, in_flight=100))
    assert (load.queue_requests, load.reporting, load.expected) == (3.0, 1, 2)


@pytest.mark.parametrize("missing", ["in_flight", "tokens_done"])
def test_a_pod_that_lacks_its_queue_or_its_progress_does_not_count_as_reporting(missing: str) -> None:
    load = known(sample("a"), without("b", missing))
    assert (load.reporting, load.expected) == (1, 2)


@pytest.mark.parametrize("missing", ["running", "waiting_requests", "waiting_tokens", "requests_done", "refused"])
def test_a_pod_that_lacks_another_value_still_reports(missing: str) -> None:
    assert known(without("a", missing)).reporting == 1


def test_the_scheduler_alone_can_ask_for_more_but_not_for_less() -> None:
    load = known(sample(in_flight=None, tokens_done=None, waiting_requests=40, waiting_tokens=4000))
    assert (load.queue_requests, load.queue_tokens, load.reporting) == (40.0, 4000.0, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, sys.float_info.max])
@pytest.mark.parametrize("figure", FIGURES)
def test_an_impossible_value_makes_the_load_not_a_number(figure: str, value: float) -> None:
    wrong: dict[str, Any] = {figure: value}
    load = known(sample("a", ago=5), sample("a"), replace(sample("b"), **wrong))
    assert math.isnan(load.queue_requests)
    assert math.isnan(load.queue_tokens)
    assert load.arrival_tokens_per_second is not None
    assert math.isnan(load.arrival_tokens_per_second)


def test_a_wrong_value_of_the_past_spoils_only_its_own_interval() -> None:
    load = known(
        sample(ago=15, tokens_done=0),
        sample(ago=10, tokens_done=math.nan),
        sample(ago=5, tokens_done=1000),
        sample(tokens_done=1500),
    )
    assert load.arrival_tokens_per_second == 100.0


# The queue


@pytest.mark.parametrize(
    ("figures", "requests"),
    [
        ({"in_flight": 30, "running": 8}, 22),
        ({"in_flight": 30, "running": 8, "waiting_requests": 10}, 22),
        ({"in_flight": 512, "running": 0, "waiting_requests": 0}, 512),
        ({"in_flight": 5, "running": 64, "waiting_requests": 136}, 136),
        ({"in_flight": 5, "running": 64}, 0),
        ({"in_flight": 30, "running": None, "waiting_requests": None}, 30),
    ],
    ids=["running is not waiting", "scheduler", "front end", "many texts in a call", "stale gauge", "metrics only"],
)
def test_requests_that_wait(figures: dict[str, Any], requests: float) -> None:
    assert known(sample(**figures)).queue_requests == requests


def test_a_large_batch_of_one_pod_does_not_hide_the_queue_of_another() -> None:
    load = known(sample("a", in_flight=2, running=64), sample("b", in_flight=40, running=8))
    assert load.queue_requests == 32.0


def test_requests_in_the_front_end_count_with_the_length_of_recent_ones() -> None:
    before = sample(ago=5, tokens_done=0, requests_done=0)
    after = sample(tokens_done=3000, requests_done=30, in_flight=50, waiting_requests=10, waiting_tokens=700)
    assert known(before, after).queue_tokens == pytest.approx(700 + 40 * 100)


def test_recent_requests_weigh_more_than_old_ones() -> None:
    load = known(
        sample(ago=60, tokens_done=0, requests_done=0),
        sample(ago=40, tokens_done=1000, requests_done=10),
        sample(ago=20, tokens_done=2000, requests_done=20),
        sample(tokens_done=5000, requests_done=30, in_flight=1),
    )
    # 300 tokens a request now, 100 before, 20 s and 40 s ago: weights 1, 1/2, 1/4.
    assert load.queue_tokens == pytest.approx((300 + 100 / 2 + 100 / 4) / (1 + 1 / 2 + 1 / 4))


@pytest.mark.parametrize(
    ("figures", "tokens"),
    [
        ({"tokens_done": 5000, "requests_done": 50}, 100.0),
        ({"waiting_requests": 3, "waiting_tokens": 600, "in_flight": 4}, 200.0 + 600.0),
        ({}, TOKENS_PER_REQUEST),
        ({"waiting_tokens": None}, TOKENS_PER_REQUEST),
    ],
    ids=["since the start", "in the queue", "never a request", "no token counts"],
)
def test_without_recent_requests_their_length_is_taken_from_elsewhere(figures: dict[str, Any], tokens: float) -> None:
    assert known(sample(**({"in_flight": 1} | figures))).queue_tokens == tokens


# Arrivals


def test_arrivals_are_what_was_done_and_what_waits_more() -> None:
    before = sample(ago=10, tokens_done=100, waiting_requests=1, waiting_tokens=50, in_flight=1)
    after = sample(tokens_done=600, waiting_requests=8, waiting_tokens=450, in_flight=8)
    assert known(before, after).arrival_tokens_per_second == (500 + 400) / 10


def test_refused_requests_are_demand() -> None:
    before = sample(ago=10, tokens_done=0, requests_done=0, refused=0)
    after = sample(tokens_done=1000, requests_done=10, refused=20)
    assert known(before, after).arrival_tokens_per_second == pytest.approx((1000 + 20 * 100) / 10)


def test_requests_that_gave_up_are_no_negative_arrival() -> None:
    before = sample(ago=10, waiting_requests=100, waiting_tokens=9000, in_flight=100)
    assert known(before, sample()).arrival_tokens_per_second == 0.0


def test_samples_before_the_window_do_not_count() -> None:
    load = known(sample(ago=61, tokens_done=0), sample(ago=60, tokens_done=6000), sample(tokens_done=12000))
    assert load.arrival_tokens_per_second == 100.0


def test_what_a_pod_did_before_it_left_still_counts() -> None:
    stayed = [sample("a", ago=ago, tokens_done=1000 - 10 * ago) for ago in (60, 30, 0)]
    left = [sample("b", ago=60, tokens_done=0), sample("b", ago=30, tokens_done=3000)]
    load = known(*stayed, *left, ready=["a"])
    assert load.arrival_tokens_per_second == pytest.approx((600 + 3000) / 60)
    assert (load.reporting, load.expected) == (1, 1)


def test_the_queue_of_a_pod_that_left_is_not_waiting_any_more() -> None:
    assert known(sample("a"), sample("b", in_flight=40), ready=["a"]).queue_requests == 0.0


def test_a_restarted_container_skips_its_own_interval_only() -> None:
    steady = [sample("a", ago=ago, tokens_done=1000 - 10 * ago) for ago in (20, 10, 0)]
    restarted = [sample("b", ago=20, tokens_done=9e6), sample("b", ago=10, tokens_done=0), sample("b", tokens_done=50)]
    assert known(*steady, *restarted).arrival_tokens_per_second == pytest.approx((200 + 50) / 20)


def test_progress_is_never_taken_between_two_different_counters() -> None:
    """A source that is silent for a moment must not look like a million tokens."""
    load = known(
        sample(ago=15, tokens_done=1_000_000, tokens_computed=500),
        sample(ago=10, tokens_done=None, tokens_computed=600),
        sample(ago=5, tokens_done=None, tokens_computed=700),
        sample(tokens_done=1_000_600, tokens_computed=800),
    )
    assert load.arrival_tokens_per_second == pytest.approx(600 / 15)


def test_the_scheduler_counts_tokens_where_the_metrics_do_not() -> None:
    load = known(sample(ago=5, tokens_done=None, tokens_computed=0), sample(tokens_done=None, tokens_computed=500))
    assert (load.arrival_tokens_per_second, load.reporting) == (100.0, 1)


# Properties

tokens = st.integers(0, 10_000)
steps = st.lists(st.tuples(tokens, tokens), min_size=2, max_size=12)
pods = st.dictionaries(st.sampled_from("abcdef"), steps, min_size=1)


def history(uid: str, moves: Sequence[tuple[int, int]]) -> list[EngineSample]:
    """Return samples of an engine with one-token requests and the given (arrivals, capacity) in every period."""
    waiting = done = 0
    samples = [sample(uid, ago=PERIOD * len(moves))]
    for step, (arriving, capacity) in enumerate(moves, start=1):
        served = min(waiting + arriving, capacity)
        waiting, done = waiting + arriving - served, done + served
        samples.append(
            sample(
                uid,
                ago=PERIOD * (len(moves) - step),
                in_flight=waiting,
                waiting_requests=waiting,
                waiting_tokens=waiting,
                tokens_done=done,
                requests_done=done,
            )
        )
    return samples


@given(pods)
def test_the_arrival_rate_is_what_arrived_however_it_was_spread_over_pods(
    moves: dict[str, list[tuple[int, int]]],
) -> None:
    load = measure({uid: history(uid, each) for uid, each in moves.items()}, ready=list(moves), now=NOON)
    assert load is not None
    arrived = sum(arriving for each in moves.values() for arriving, _ in each)
    longest = max(len(each) for each in moves.values())
    assert load.arrival_tokens_per_second == pytest.approx(arrived / (PERIOD * longest))
    assert load.reporting == load.expected == len(moves)


@given(pods, st.data())
def test_whoever_leaves_takes_nothing_of_the_past_along(
    moves: dict[str, list[tuple[int, int]]], data: st.DataObject
) -> None:
    series = {uid: history(uid, each) for uid, each in moves.items()}
    stays = data.draw(st.sampled_from(sorted(moves)))
    before = measure(series, ready=list(moves), now=NOON)
    after = measure(series, ready=[stays], now=NOON)
    assert before is not None
    assert after is not None
    assert after.arrival_tokens_per_second == pytest.approx(before.arrival_tokens_per_second)
    assert after.queue_requests <= before.queue_requests


figure = st.one_of(st.none(), st.floats(0, 1e9), st.sampled_from([-1.0, math.nan, math.inf]))
anything = st.builds(
    EngineSample,
    pod_uid=st.sampled_from("abc"),
    taken_at=st.floats(-30, 120).map(lambda ago: NOON - timedelta(seconds=ago)),
    **dict.fromkeys((*FIGURES, "tokens_computed"), figure),
)


def by_pod(samples: Sequence[EngineSample]) -> dict[str, Series]:
    ordered = sorted(samples, key=lambda each: each.taken_at)
    return {uid: [each for each in ordered if each.pod_uid == uid] for uid in "abc"}


@given(st.lists(anything, max_size=20))
def test_no_values_raise_and_every_result_is_zero_or_more_or_not_a_number(samples: list[EngineSample]) -> None:
    load = measure(by_pod(samples), ready="abc", now=NOON)
    if load is None:
        return
    assert 0 <= load.reporting <= load.expected == 3
    for result in (load.queue_requests, load.queue_tokens, load.arrival_tokens_per_second or 0.0):
        assert math.isnan(result) or 0.0 <= result < math.inf


@given(st.lists(anything, min_size=1, max_size=20), st.data())
def test_a_value_that_goes_missing_never_makes_the_load_look_better_known(
    samples: list[EngineSample], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from((*FIGURES, "tokens_computed")))
    place = data.draw(st.integers(0, len(samples) - 1))
    poorer = [*samples]
    missing: dict[str, Any] = {gone: None}
    poorer[place] = replace(samples[place], **missing)
    before = measure(by_pod(samples), ready="abc", now=NOON)
    after = measure(by_pod(poorer), ready="abc", now=NOON)
    assert (0 if after is None else after.reporting) <= (0 if before is None else before.reporting)


@given(steps, st.integers(1, 11))
def test_a_counter_that_starts_again_adds_no_arrivals(moves: list[tuple[int, int]], at: int) -> None:
    whole = history("a", moves)
    lost = whole[min(at, len(moves)) - 1].tokens_done or 0.0
    restarted = [
        each if place < at else replace(each, tokens_done=(each.tokens_done or 0.0) - lost)
        for place, each in enumerate(whole)
    ]
    load = measure({"a": restarted}, ready=["a"], now=NOON)
    assert load is not None
    assert (load.arrival_tokens_per_second or 0.0) <= sum(arriving for arriving, _ in moves) / PERIOD


def test_a_burst_is_what_arrived_in_the_last_seconds() -> None:
    calm = [sample(ago=ago, tokens_done=1000.0 - 10 * ago) for ago in (50, 40, 30, 20, 10, 5)]
    load = known(*calm, sample(tokens_done=1000.0 + 4950))
    assert load.burst_tokens_per_second == pytest.approx(1000.0)
    assert load.arrival_tokens_per_second == pytest.approx((5950 - 500) / 50)


def test_what_arrived_before_the_last_seconds_is_no_burst() -> None:
    assert known(sample(ago=10), sample(ago=5, tokens_done=1e6)).burst_tokens_per_second is None


def waiting(uid: str, *, seconds: int, tokens: float, idle_before: int = 0) -> list[EngineSample]:
    """Return samples of an engine that is idle at first, then has waiting requests and computes `tokens` per second."""
    busy = [sample(uid, ago=ago, in_flight=50.0, tokens_done=tokens * (60 - ago)) for ago in range(seconds, -1, -5)]
    quiet = [sample(uid, ago=seconds + ago, tokens_done=tokens * (60 - seconds)) for ago in range(idle_before, 0, -5)]
    return [*quiet, *busy]


@pytest.mark.parametrize(
    ("engines", "served"),
    [
        (waiting("a", seconds=30, tokens=0.0), 0.0),
        (waiting("a", seconds=25, tokens=0.0), None),
        (waiting("a", seconds=10, tokens=0.0, idle_before=50), None),
        ([*waiting("a", seconds=40, tokens=0.0), *waiting("b", seconds=40, tokens=100.0)], 100.0),
        ([*waiting("a", seconds=40, tokens=0.0), sample("b", ago=5), sample("b")], None),
        ([], None),
    ],
    ids=["long enough", "too short", "idle until just now", "another works", "another has nothing to do", "silent"],
)
def test_what_engines_finish_counts_from_when_requests_wait(engines: list[EngineSample], served: float | None) -> None:
    load = load_of(*engines)
    assert (None if load is None else load.served_tokens_per_second) == (
        None if served is None else pytest.approx(served)
    )
