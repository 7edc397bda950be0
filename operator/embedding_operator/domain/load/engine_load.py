"""The load of a service, from the metrics of its engines. A missing metric is None, never 0.

    waiting front end    w  = max(0, in flight - running - waiting in the scheduler)     per pod
    Q_requests              = sum over Ready pods of (waiting in the scheduler + w)
    Q_tokens                = sum over Ready pods of (waiting tokens + w * tokens per request)
    arrival              λ  = sum over all pods of (Δ tokens done + Δ Q_tokens + Δ refused * tokens per request) / Δt

Q_requests is `in flight - running batch` wherever a call has one text. It is computed per pod, so that the large batch
of one pod does not hide the queue of another, and it is never below what the scheduler itself reports.

λ covers all pods of the window, so the work of a pod before it left still counts as demand that was served. Two samples
of a pod are compared only if they contain the same metrics; an interval in which a counter went backwards (a container
restarted) is left out.

Values that are negative, NaN or too large are not repaired: the whole load becomes NaN, on which `decide` holds.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.observation import TOKENS_PER_REQUEST, Load

MAX_AGE_SECONDS = 15.0
WINDOW_SECONDS = 60.0
SERVED_SECONDS = 30.0
"""The longest inputs take seconds: an engine that finished nothing in less time may just be busy."""

BURST_SECONDS = 6.0
_BURST_BOTH_ENDS = timedelta(seconds=2 * BURST_SECONDS)
MIN_SPAN_SECONDS = 2.5
"""A rate over a shorter span is noise: samples are that close together when a poke polls between two ticks."""

HALF_LIFE_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSample:
    """The metrics of one engine at one instant; None is a missing metric.

    `in_flight` counts HTTP calls, `running` and `waiting_requests` the texts in the scheduler. `tokens_done` (finished
    requests), `tokens_computed` (by the scheduler, without cached ones), `requests_done` (successful calls) and
    `refused` (calls answered with 503) are counters since the start of the engine.

    Derived values are cached, as each is used a dozen times. `is_valid` says that every metric has a possible value,
    `is_complete` that both the queue in front of the engine and its progress are known, `shape` which metrics are
    present. `tokens` is the counter by which progress is measured, `front_end` are the calls that wait before the
    scheduler (being parsed and tokenised, or not even that), `queue_requests` all waiting ones.
    """

    pod_uid: str
    taken_at: datetime
    in_flight: float | None = None
    running: float | None = None
    waiting_requests: float | None = None
    waiting_tokens: float | None = None
    tokens_done: float | None = None
    tokens_computed: float | None = None
    requests_done: float | None = None
    refused: float | None = None

    is_valid: bool = field(init=False, repr=False, compare=False)
    is_complete: bool = field(init=False, repr=False, compare=False)
    shape: tuple[bool, ...] = field(init=False, repr=False, compare=False)
    tokens: float | None = field(init=False, repr=False, compare=False)
    front_end: float = field(init=False, repr=False, compare=False)
    queue_requests: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Cache the values derived from the metrics."""
        figures = (
            self.in_flight,
            self.running,
            self.waiting_requests,
            self.waiting_tokens,
            self.tokens_done,
            self.tokens_computed,
            self.requests_done,
            self.refused,
        )
        tokens = self.tokens_done if self.tokens_done is not None else self.tokens_computed
        waiting, front_end = self.waiting_requests or 0.0, 0.0
        if self.in_flight is not None:
            front_end = max(0.0, self.in_flight - (self.running or 0.0) - waiting)
        object.__setattr__(self, "is_valid", all(figure is None or is_possible(figure) for figure in figures))
        object.__setattr__(self, "is_complete", self.in_flight is not None and tokens is not None)
        object.__setattr__(self, "shape", tuple([figure is not None for figure in figures]))
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "front_end", front_end)
        object.__setattr__(self, "queue_requests", waiting + front_end)

    def queue_tokens(self, *, tokens_per_request: float) -> float:
        """Return the tokens that wait; requests of unknown length count with `tokens_per_request`."""
        if self.waiting_tokens is None:
            return self.queue_requests * tokens_per_request
        return self.waiting_tokens + self.front_end * tokens_per_request


Series = Sequence[EngineSample]
"""Samples of one pod, oldest first."""


def measure(
    series: Mapping[str, Series],
    *,
    ready: Collection[str],
    now: datetime,
    max_age: float = MAX_AGE_SECONDS,
    window: float = WINDOW_SECONDS,
) -> Load | None:
    """Return the load of a service, or None if no Ready pod has a sample that is at most `max_age` seconds old.

    `series` holds the samples of every pod by UID, including pods that left; `ready` are the UIDs that serve now.
    """
    fresh = _fresh(series, ready=ready, now=now, age=max_age)
    if not fresh:
        return None
    sampled_at = min(sample.taken_at for sample in fresh)
    reporting = sum(sample.is_complete for sample in fresh)
    if not all(sample.is_valid for sample in fresh):
        return Load(
            sampled_at=sampled_at,
            queue_requests=math.nan,
            queue_tokens=math.nan,
            arrival_tokens_per_second=math.nan,
            burst_tokens_per_second=math.nan,
            reporting=reporting,
            expected=len(ready),
        )
    intervals = _all_intervals(series, now=now, window=window)
    length = _tokens_per_request(intervals, fresh=fresh, now=now)
    return Load(
        sampled_at=sampled_at,
        queue_requests=math.fsum(sample.queue_requests for sample in fresh),
        queue_tokens=math.fsum(sample.queue_tokens(tokens_per_request=length) for sample in fresh),
        arrival_tokens_per_second=_arrival(intervals, tokens_per_request=length),
        burst_tokens_per_second=_arrival(_latest(intervals, now=now), tokens_per_request=length),
        served_tokens_per_second=_served(intervals),
        reporting=reporting,
        expected=len(ready),
        tokens_per_request=length,
    )


def recent_tokens_per_request(series: Mapping[str, Series], *, now: datetime) -> float:
    """Return the recent mean length of a request, from the samples of engines that are now silent or gone."""
    return _tokens_per_request(_all_intervals(series, now=now, window=WINDOW_SECONDS), fresh=(), now=now)


class Interval(NamedTuple):
    """Two successive samples of one pod that contain the same metrics, and the increases of its counters."""

    first: EngineSample
    last: EngineSample
    tokens: float
    requests: float
    refused: float

    def arrived(self, *, tokens_per_request: float) -> float:
        """Return the tokens that arrived: served, refused, or waiting at the end but not at the beginning."""
        queued = self.last.queue_tokens(tokens_per_request=tokens_per_request) - self.first.queue_tokens(
            tokens_per_request=tokens_per_request
        )
        return self.tokens + queued + self.refused * tokens_per_request


def _between(first: EngineSample, last: EngineSample) -> Interval | None:
    """Return the interval between two samples, or None if a counter went backwards."""
    tokens = (last.tokens or 0.0) - (first.tokens or 0.0)
    requests = (last.requests_done or 0.0) - (first.requests_done or 0.0)
    refused = (last.refused or 0.0) - (first.refused or 0.0)
    if tokens < 0.0 or requests < 0.0 or refused < 0.0:
        return None
    return Interval(first, last, tokens, requests, refused)


def _is_fresh(sample: EngineSample, *, now: datetime, age: float) -> bool:
    """Return whether a sample has any metric and is recent; one from the future is as wrong as an old one."""
    return any(sample.shape) and abs(now - sample.taken_at) <= timedelta(seconds=age)


def _fresh(series: Mapping[str, Series], *, ready: Collection[str], now: datetime, age: float) -> list[EngineSample]:
    return [series[uid][-1] for uid in ready if series.get(uid) and _is_fresh(series[uid][-1], now=now, age=age)]


def _all_intervals(series: Mapping[str, Series], *, now: datetime, window: float) -> list[Interval]:
    return [each for samples in series.values() for each in intervals_of(samples, now=now, window=window)]


def intervals_of(samples: Series, *, now: datetime, window: float) -> list[Interval]:
    """Return the intervals of one pod in the last `window` seconds that contain the same metrics as it has now."""
    begin = now - timedelta(seconds=window)
    usable = [
        sample for sample in samples if begin <= sample.taken_at <= now and sample.is_complete and sample.is_valid
    ]
    if not usable:
        return []
    shape = usable[-1].shape
    intervals = (_between(*pair) for pair in pairwise([sample for sample in usable if sample.shape == shape]))
    return [interval for interval in intervals if interval is not None]


def _served(intervals: Sequence[Interval]) -> float | None:
    """Return the tokens per second finished since requests began to wait at every engine.

    Return None if that is too short to tell: an engine that had nothing to do finished nothing either.
    """
    if not intervals:
        return None
    begin, end = _span(intervals)
    for interval in intervals:
        for sample in (interval.first, interval.last):
            if sample.queue_requests <= 0 and sample.taken_at > begin:
                begin = sample.taken_at
    seconds = (end - begin).total_seconds()
    if seconds < SERVED_SECONDS:
        return None
    return math.fsum(interval.tokens for interval in intervals if interval.last.taken_at > begin) / seconds


def _span(intervals: Sequence[Interval]) -> tuple[datetime, datetime]:
    """Return when the first of `intervals`, which are not empty, begins and when the last ends."""
    begin = min([interval.first.taken_at for interval in intervals])
    return begin, max([interval.last.taken_at for interval in intervals])


def is_recent(first: datetime, last: datetime, *, now: datetime) -> bool:
    """Return whether the midpoint between two samples is within the last seconds that make up a burst."""
    return (now - first) + (now - last) <= _BURST_BOTH_ENDS


def _latest(intervals: Sequence[Interval], *, now: datetime) -> list[Interval]:
    """Return the intervals whose midpoint is within the last seconds."""
    return [each for each in intervals if is_recent(each.first.taken_at, each.last.taken_at, now=now)]


def _arrival(intervals: Sequence[Interval], *, tokens_per_request: float) -> float | None:
    """Return tokens per second over the time that the intervals span, or None if that is too short to tell."""
    if not intervals:
        return None
    begin, end = _span(intervals)
    seconds = (end - begin).total_seconds()
    if seconds < MIN_SPAN_SECONDS:
        return None
    arrived = math.fsum(interval.arrived(tokens_per_request=tokens_per_request) for interval in intervals)
    # Abandoned requests leave the queue without being served: that is not a negative arrival.
    return max(0.0, arrived / seconds)


def _tokens_per_request(intervals: Sequence[Interval], *, fresh: Sequence[EngineSample], now: datetime) -> float:
    """Return the mean length of a request: recently, else since the engines started, else in the queues."""
    tokens = requests = 0.0
    for interval in intervals:
        age = (now - interval.last.taken_at).total_seconds()
        weight = 0.5 ** (age / HALF_LIFE_SECONDS)
        tokens += weight * interval.tokens
        requests += weight * interval.requests
    if tokens > 0.0 and requests > 0.0:
        return tokens / requests
    since_start = [(sample.tokens or 0.0, sample.requests_done or 0.0) for sample in fresh]
    in_queues = [(sample.waiting_tokens or 0.0, sample.waiting_requests or 0.0) for sample in fresh]
    for pairs in (since_start, in_queues):
        total = math.fsum(tokens for tokens, _ in pairs)
        count = math.fsum(requests for _, requests in pairs)
        if total > 0.0 and count > 0.0:
            return total / count
    return TOKENS_PER_REQUEST
