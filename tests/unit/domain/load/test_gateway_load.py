"""From samples of gateway pods to their combined load."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from embedding_operator.domain.load.gateway_load import (
    BEFORE_ALL_TIME,
    GatewaySample,
    in_flight_by_engine,
    joined,
    listen,
    without_engines,
)
from embedding_operator.domain.observation import GatewayLoad, Load
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.observations import gateway, load

PERIOD = 5.0


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def sample(
    uid: str = "a",
    *,
    at: float = 0.0,
    outstanding: float = 0.0,
    serving: float = 0.0,
    requests: float = 0.0,
    rejected: float = 0.0,
    last: float | None = None,
) -> GatewaySample:
    """Return a sample taken `at` seconds ago."""
    return GatewaySample(
        pod_uid=uid,
        taken_at=ago(at),
        outstanding=outstanding,
        requests=requests,
        rejected=rejected,
        last_request_seconds=last,
        engines={"engine-1": serving},
    )


def heard(*samples: GatewaySample, ready: Sequence[str] | None = None, present: Sequence[str] = ()) -> GatewayLoad:
    series: dict[str, list[GatewaySample]] = {}
    for each in sorted(samples, key=lambda each: each.taken_at):
        series.setdefault(each.pod_uid, []).append(each)
    serving = list(series) if ready is None else ready
    return listen(series, present=[*serving, *present], ready=serving, now=NOON)


# Waiting requests


def test_what_no_engine_has_waits() -> None:
    load = heard(sample("a", outstanding=40, serving=32), sample("b", outstanding=3, serving=3))
    assert (load.outstanding, load.waiting) == (43, 8)


def test_values_that_were_read_a_moment_apart_are_not_less_than_none_waiting() -> None:
    assert heard(sample("a", outstanding=31, serving=32), sample("b", outstanding=5)).waiting == 5


def test_what_a_pod_that_leaves_still_holds_waits() -> None:
    load = heard(sample("a"), sample("leaving", outstanding=7), ready=["a"], present=["leaving"])
    assert (load.waiting, load.expected, load.answering) == (7, 1, 1)


def test_what_a_pod_that_is_gone_held_is_lost() -> None:
    assert heard(sample("a"), sample("gone", outstanding=7), ready=["a"]).waiting == 0


@pytest.mark.parametrize("at", [15.1, -0.1])
def test_old_and_future_samples_do_not_count(at: float) -> None:
    load = heard(sample("a"), sample("b", at=at, outstanding=9))
    assert (load.waiting, load.answering, load.expected, load.quiet_since) == (0, 1, 2, None)


def test_no_pods_say_nothing() -> None:
    load = heard()
    assert load == GatewayLoad()
    assert not load.is_heard
    assert not load.is_complete


def test_the_requests_at_engines_are_those_of_all_pods() -> None:
    samples = [sample("a", serving=3), sample("b", serving=4)]
    assert in_flight_by_engine(samples) == {"engine-1": 7}


# Arrivals


def test_the_rate_is_what_came_over_all_pods_and_the_whole_time() -> None:
    load = heard(sample("a", at=10, requests=100), sample("a", requests=150), sample("b", at=10), sample("b"))
    assert load.requests_per_second == 5.0


def test_samples_that_come_at_any_time_do_not_change_the_rate() -> None:
    """A poke polls between two ticks, and the rate still covers the whole time."""
    moments = [60, 55, 50, 49.8, 49.6, 49.4, 45, 40, 39, 35, 30, 25, 20, 15, 10, 5, 4.9, 0.3, 0.1]
    load = heard(*(sample(at=at, requests=1000 - 10 * at) for at in moments))
    assert load.requests_per_second == pytest.approx(10.0)


def test_a_rate_over_a_moment_is_not_known() -> None:
    load = heard(sample(at=2.4), sample(requests=500))
    assert load.requests_per_second is None
    assert not load.is_complete


def test_what_clients_got_wrong_is_no_work() -> None:
    assert heard(sample(at=10), sample(requests=100, rejected=60)).requests_per_second == 4.0


def test_what_came_before_the_window_and_was_rejected_in_it_is_not_less_than_nothing() -> None:
    before, after = sample(at=10, requests=50), sample(requests=55, rejected=50)
    assert heard(before, after).requests_per_second == 0.0


def test_what_a_pod_took_before_it_left_still_counts() -> None:
    left = [sample("left", at=60), sample("left", at=30, requests=300)]
    load = heard(sample("a", at=60), sample("a"), *left, ready=["a"])
    assert load.requests_per_second == 5.0


@pytest.mark.parametrize(
    ("first", "last", "arrived"),
    [
        (sample(at=10, requests=1000), sample(requests=20), 20),
        (sample(at=10, requests=1000), sample(requests=0), 0),
        (sample(at=10, requests=3, last=4), sample(requests=3), 3),
        (sample(at=10, requests=3, rejected=2, last=4), sample(requests=5, last=1), 5),
    ],
    ids=["counted less", "counts nothing", "has never had a request", "rejected less"],
)
def test_a_restart_counts_what_came_since_and_nothing_else(
    first: GatewaySample, last: GatewaySample, arrived: float
) -> None:
    load = heard(first, last)
    assert load.requests_per_second == arrived / 10
    assert load.reporting == 0
    assert not load.is_complete
    assert load.quiet_since == NOON


def test_a_restart_is_forgotten_with_the_window() -> None:
    load = heard(sample(at=61, requests=1000, last=0), sample(at=59, requests=1, last=9), sample(requests=1, last=70))
    assert load.is_complete


def test_a_pod_with_one_sample_is_heard_but_not_believed_to_say_everything() -> None:
    load = heard(sample("a", at=10), sample("a"), sample("new"))
    assert (load.answering, load.reporting, load.expected) == (2, 1, 2)
    assert load.is_heard
    assert not load.is_complete


# Quiet


def test_quiet_is_as_far_back_as_samples_or_the_pod_itself_tell() -> None:
    assert heard(sample(at=5), sample()).quiet_since == BEFORE_ALL_TIME
    assert heard(sample(requests=9, last=600)).quiet_since == ago(599)
    assert heard(sample(at=30, requests=9, last=600), sample(requests=9, last=630)).quiet_since == ago(629)
    assert heard(sample(requests=9)).quiet_since == NOON


def test_a_request_that_came_and_went_between_two_looks_ends_the_quiet() -> None:
    load = heard(sample(at=10, requests=1, last=900), sample(at=5, requests=2, last=2), sample(requests=2, last=7))
    assert load.quiet_since == ago(5)
    assert load.last_arrival == ago(5)


def test_a_request_that_is_there_ends_the_quiet() -> None:
    assert heard(sample("a", at=5), sample("a", outstanding=1, requests=1), sample("b")).quiet_since is None
    assert heard(sample(at=5, requests=4, outstanding=1, last=1), sample(requests=4, last=6)).quiet_since == NOON


def test_the_pod_with_the_latest_request_counts() -> None:
    assert heard(sample("a", requests=9, last=600), sample("b", requests=9, last=30)).quiet_since == ago(29)


def test_a_pod_that_does_not_answer_may_have_requests() -> None:
    assert heard(sample("a", at=5), sample("a"), ready=["a", "silent"]).quiet_since is None


# Both sources together


def test_of_each_value_the_larger_counts() -> None:
    engines = replace(load(queue=10, tokens=4000, rate=900.0), tokens_per_request=100.0)
    both = joined(engines, gateway(waiting=30, rate=5.0))
    assert both == replace(engines, queue_requests=30)
    assert joined(engines, gateway(waiting=50, rate=50.0)) == replace(
        engines, queue_requests=50, queue_tokens=5000, arrival_tokens_per_second=5000
    )


def test_a_backlog_that_engines_take_over_did_not_arrive_now() -> None:
    """The engines took 190 requests in 10 s, 90 of which had waited at the gateway: 10 arrive per second, not 19."""
    samples = [
        sample(at=10, outstanding=100, requests=1000),
        sample(at=5, outstanding=55, requests=1050),
        sample(at=0, outstanding=10, requests=1100),
    ]
    taken = heard(*samples)
    assert (taken.requests_per_second, taken.released_per_second, taken.burst_released_per_second) == (10, 9, 9)
    engines = replace(load(rate=1900.0), tokens_per_request=100.0, burst_tokens_per_second=1900.0)
    both = joined(engines, taken)
    assert (both.arrival_tokens_per_second, both.burst_tokens_per_second) == (1000.0, 1000.0)
    past_the_gateway = joined(replace(engines, arrival_tokens_per_second=2500.0), taken)
    assert past_the_gateway.arrival_tokens_per_second == 1600.0


def test_a_queue_that_grows_releases_nothing() -> None:
    samples = [sample(at=5, outstanding=10, requests=1000), sample(at=0, outstanding=90, requests=1100)]
    assert heard(*samples).released_per_second == 0.0


def test_engines_without_a_rate_of_their_own_take_the_gateways() -> None:
    engines = replace(load(rate=None), tokens_per_request=100.0)
    assert joined(engines, gateway(rate=5.0)).arrival_tokens_per_second == 500.0
    assert joined(engines, gateway(rate=None)).arrival_tokens_per_second is None


def test_engines_that_are_silent_are_missing_and_the_gateway_speaks() -> None:
    alone = without_engines(gateway(waiting=30, rate=5.0), tokens_per_request=100.0, expected=2)
    spoken = load(queue=30, tokens=3000, rate=500.0, reporting=0, expected=2)
    assert alone == replace(spoken, tokens_per_request=100.0)


def test_a_gateway_that_is_silent_changes_nothing() -> None:
    engines = load(queue=10, rate=900.0)
    assert joined(engines, gateway(answering=0)) == engines
    assert without_engines(gateway(answering=0), tokens_per_request=100.0, expected=1) is None


def test_engines_that_talk_nonsense_are_not_covered_up() -> None:
    assert math.isnan(joined(load(queue=math.nan), gateway(waiting=3)).queue_requests)


def test_the_age_of_both_is_that_of_the_older() -> None:
    assert joined(load(), gateway(sampled_at=ago(9))).sampled_at == ago(9)
    assert joined(load(age=9.0), gateway()).sampled_at == ago(9)


# Properties

counts = st.integers(0, 1000)
steps = st.lists(st.tuples(counts, st.booleans()), min_size=1, max_size=11)


def history(uid: str, moves: Sequence[tuple[int, bool]]) -> list[GatewaySample]:
    """Return samples of a pod with (requests, restart before them) in every period; the requests end at once."""
    total = 0
    samples = [sample(uid, at=PERIOD * len(moves))]
    for place, (arriving, restarts) in enumerate(moves, start=1):
        total = arriving if restarts else total + arriving
        samples.append(sample(uid, at=PERIOD * (len(moves) - place), requests=total, last=1 if total else None))
    return samples


@given(st.dictionaries(st.sampled_from("abc"), steps, min_size=1))
def test_a_restart_never_looks_like_load_or_like_idleness(moves: dict[str, list[tuple[int, bool]]]) -> None:
    series = {uid: history(uid, each) for uid, each in moves.items()}
    load = listen(series, present=list(series), ready=list(series), now=NOON)
    longest = max(len(each) for each in moves.values()) * PERIOD
    arrived = sum(arriving for each in moves.values() for arriving, _ in each)

    assert load.requests_per_second is not None
    assert load.requests_per_second <= arrived / longest + 1e-9
    noticed = any(after.requests < before.requests for each in series.values() for before, after in pairwise(each))
    if noticed:
        assert not load.is_complete
    elif not any(restarts for each in moves.values() for _, restarts in each):
        assert load.requests_per_second == pytest.approx(arrived / longest)
        assert load.is_complete
    if any(each[-1][0] for each in moves.values()):
        assert load.quiet_since == NOON


anything = st.builds(
    GatewaySample,
    pod_uid=st.sampled_from("abc"),
    taken_at=st.floats(-30, 120).map(ago),
    outstanding=st.floats(0, 1e6),
    requests=st.floats(0, 1e6),
    rejected=st.floats(0, 1e6),
    last_request_seconds=st.none() | st.floats(0, 1e6),
    engines=st.dictionaries(st.sampled_from(["one", "two"]), st.floats(0, 1e6)),
)


def by_pod(samples: Sequence[GatewaySample]) -> Mapping[str, Sequence[GatewaySample]]:
    ordered = sorted(samples, key=lambda each: each.taken_at)
    return {uid: [each for each in ordered if each.pod_uid == uid] for uid in "abc"}


@given(st.lists(anything, max_size=20), st.sets(st.sampled_from("abc")))
def test_every_value_is_zero_or_more_and_no_request_counts_twice(samples: list[GatewaySample], ready: set[str]) -> None:
    load = listen(by_pod(samples), present="abc", ready=ready, now=NOON)
    assert 0 <= load.reporting <= load.answering <= load.expected == len(ready)
    assert 0 <= load.waiting <= load.outstanding < math.inf
    assert load.requests_per_second is None or 0 <= load.requests_per_second < math.inf
    assert load.quiet_since is None or (load.outstanding == 0 and load.quiet_since <= NOON)


@given(st.lists(anything, min_size=1, max_size=20), st.data())
def test_a_sample_that_is_missing_never_makes_more_known(samples: list[GatewaySample], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from("abc"))
    whole = listen(by_pod(samples), present="abc", ready="abc", now=NOON)
    poorer = listen(by_pod([each for each in samples if each.pod_uid != lost]), present="abc", ready="abc", now=NOON)
    assert poorer.reporting <= whole.reporting
    assert poorer.waiting <= whole.waiting
    assert not poorer.is_complete
    assert poorer.quiet_since is None


@given(
    st.builds(load, queue=st.floats(0, 1e6), rate=st.none() | st.floats(0, 1e6)),
    st.builds(gateway, waiting=st.floats(0, 1e6), rate=st.none() | st.floats(0, 1e6), answering=st.integers(0, 2)),
    st.floats(1, 1e4),
)
def test_both_together_ask_for_no_less_than_either(engines: Load, other: GatewayLoad, length: float) -> None:
    engines = replace(engines, tokens_per_request=length)
    both = joined(engines, other)
    alone = without_engines(other, tokens_per_request=length, expected=1)
    for each in (engines, alone):
        if each is not None:
            assert both.queue_requests >= each.queue_requests
            assert both.queue_tokens >= each.queue_tokens
            assert (both.arrival_tokens_per_second or 0) >= (each.arrival_tokens_per_second or 0)
            assert both.sampled_at <= each.sampled_at
    assert (both.reporting, both.expected) == (engines.reporting, engines.expected)


def test_a_burst_at_the_gateway_is_a_burst_of_the_service() -> None:
    heard = replace(GatewayLoad(), sampled_at=NOON, requests_per_second=1.0, burst_per_second=9.0)
    engines = Load(
        sampled_at=NOON,
        queue_requests=0.0,
        queue_tokens=0.0,
        arrival_tokens_per_second=200.0,
        burst_tokens_per_second=500.0,
        reporting=1,
        expected=1,
        tokens_per_request=100.0,
    )
    assert joined(engines, heard).burst_tokens_per_second == 900.0
    assert joined(engines, replace(heard, burst_per_second=None)).burst_tokens_per_second == 500.0
    alone = without_engines(heard, tokens_per_request=100.0, expected=1)
    assert alone is not None
    assert alone.burst_tokens_per_second == 900.0
