"""Combines the metrics of gateway pods, and derives the load of the service behind them.

    waiting             = sum over pods of (outstanding - in service)     held at zero, or queued for an engine
    arrival in requests = sum over pods of (Δ requests - Δ rejected) / Δt   counted on arrival, not on completion
    arrival in tokens   = arrival in requests x tokens per request of the engines

Engines report how much work there is, the gateway how much of it has not reached an engine yet: where two values
measure the same thing, the larger applies. What reaches engines because the queue at the gateway gets shorter did not
arrive now: it is subtracted from what arrives at engines. With it, a backlog that new replicas drain looked like twice
the load, and doubled them. A missing value is None, never 0: a service may grow on what is known, but
not shrink.

HAProxy counts from 0 when it restarts. What it has counted since then did arrive; what arrived between the last sample
and the restart is unknown. So the estimate never exceeds what arrived, and the pod counts as not reporting until the
restart has left the window.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from embedding_operator.domain.load.engine_load import MAX_AGE_SECONDS, MIN_SPAN_SECONDS, WINDOW_SECONDS, is_recent
from embedding_operator.domain.observation import GatewayLoad, Load

BEFORE_ALL_TIME = datetime.min.replace(tzinfo=UTC)
CLOCK_SECONDS = 1.0
"""HAProxy reports the age of the last request in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySample:
    """The metrics of one gateway pod at one instant; every value is finite and not negative.

    `requests` (all that arrived for an engine) and `rejected` (answered with 4xx) are counters since HAProxy started,
    `last_request_seconds` is the time since a request last reached an engine, None if none did.
    `engines` are the requests in flight by the name of the engine's pod; `down` are the pods that fail their health
    check, and `drained` those to which the gateway sends no new requests.
    """

    pod_uid: str
    taken_at: datetime
    outstanding: float
    requests: float
    rejected: float = 0.0
    last_request_seconds: float | None = None
    engines: Mapping[str, float] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    drained: frozenset[str] = frozenset()

    @property
    def waiting(self) -> float:
        """Return the requests that are not at an engine."""
        return max(0.0, self.outstanding - math.fsum(self.engines.values()))


Series = Sequence[GatewaySample]
"""Samples of one gateway pod, oldest first."""


def listen(
    series: Mapping[str, Series],
    *,
    present: Collection[str],
    ready: Collection[str],
    now: datetime,
) -> GatewayLoad:
    """Return the combined metrics of the gateway pods.

    `series` holds the samples of every pod by UID, including pods that left. `present` are the running pods, including
    those that are terminating: requests may still wait there. `ready` are those that get new requests.
    """
    recent = {uid: _recent(samples, now=now) for uid, samples in series.items()}
    fresh = {uid: recent[uid][-1] for uid in present if _is_fresh(recent.get(uid, ()), now=now)}
    intervals = {uid: [_between(*pair) for pair in pairwise(samples)] for uid, samples in recent.items()}
    every = [interval for each in intervals.values() for interval in each]
    latest = [each for each in every if is_recent(each.first.taken_at, each.last.taken_at, now=now)]
    answering = [uid for uid in ready if uid in fresh]
    return GatewayLoad(
        outstanding=math.fsum(sample.outstanding for sample in fresh.values()),
        waiting=math.fsum(sample.waiting for sample in fresh.values()),
        requests_per_second=_rate(every),
        burst_per_second=_rate(latest),
        released_per_second=_released(every),
        burst_released_per_second=_released(latest),
        last_arrival=max([each.last.taken_at for each in every if each.arrived > 0], default=None),
        quiet_since=_quiet_since(recent, fresh=fresh) if len(answering) == len(ready) > 0 else None,
        sampled_at=min((sample.taken_at for sample in fresh.values()), default=None),
        answering=len(answering),
        reporting=sum(1 for uid in answering if intervals[uid] and not any(each.restarted for each in intervals[uid])),
        expected=len(ready),
        drained=frozenset(name for sample in fresh.values() for name in sample.drained),
    )


def joined(engines: Load, gateway: GatewayLoad) -> Load:
    """Return the load of a service from both its engines and its gateway: the larger of each value.

    An invalid load of engines stays as it is, so that `decide` holds on it.
    """
    if gateway.sampled_at is None or not math.isfinite(engines.queue_requests):
        return engines
    length = engines.tokens_per_request
    released, burst_released = gateway.released_per_second * length, gateway.burst_released_per_second * length
    return replace(
        engines,
        sampled_at=min(engines.sampled_at, gateway.sampled_at),
        queue_requests=max(engines.queue_requests, gateway.waiting),
        queue_tokens=max(engines.queue_tokens, gateway.waiting * length),
        arrival_tokens_per_second=_larger(
            _without(engines.arrival_tokens_per_second, released=released),
            _in_tokens(gateway.requests_per_second, length=length),
        ),
        burst_tokens_per_second=_larger(
            _without(engines.burst_tokens_per_second, released=burst_released),
            _in_tokens(gateway.burst_per_second, length=length),
        ),
    )


def without_engines(gateway: GatewayLoad, *, tokens_per_request: float, expected: int) -> Load | None:
    """Return the load of a service from its gateway, when none of `expected` Ready engines reports.

    Return None if the gateway does not report either.
    """
    if gateway.sampled_at is None:
        return None
    return Load(
        sampled_at=gateway.sampled_at,
        queue_requests=gateway.waiting,
        queue_tokens=gateway.waiting * tokens_per_request,
        arrival_tokens_per_second=_in_tokens(gateway.requests_per_second, length=tokens_per_request),
        burst_tokens_per_second=_in_tokens(gateway.burst_per_second, length=tokens_per_request),
        reporting=0,
        expected=expected,
        tokens_per_request=tokens_per_request,
    )


def _in_tokens(requests_per_second: float | None, *, length: float) -> float | None:
    return None if requests_per_second is None else requests_per_second * length


def _without(arrived: float | None, *, released: float) -> float | None:
    return None if arrived is None else max(0.0, arrived - released)


def _larger(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def in_flight_by_engine(samples: Collection[GatewaySample]) -> dict[str, float]:
    """Return the requests that gateway pods have in flight at engines, by the name of the engine's pod."""
    names = {name for sample in samples for name in sample.engines}
    return {name: math.fsum(sample.engines.get(name, 0.0) for sample in samples) for name in names}


class _Interval(NamedTuple):
    """Two successive samples of one pod, and the requests known to have arrived between them."""

    first: GatewaySample
    last: GatewaySample
    arrived: float
    rejected: float
    restarted: bool

    @property
    def is_quiet(self) -> bool:
        """Return whether the pod had no request at any time in the interval.

        The time of the last request confirms it: after a restart the count may by chance be the same as before.
        """
        seconds = (self.last.taken_at - self.first.taken_at).total_seconds()
        last_request = self.last.last_request_seconds
        came = last_request is not None and last_request < seconds - CLOCK_SECONDS
        nothing = self.first.outstanding == self.last.outstanding == self.arrived == 0
        return nothing and not came and not self.restarted


def _between(first: GatewaySample, last: GatewaySample) -> _Interval:
    forgot = first.last_request_seconds is not None and last.last_request_seconds is None
    if forgot or last.requests < first.requests or last.rejected < first.rejected:
        return _Interval(first, last, arrived=last.requests, rejected=last.rejected, restarted=True)
    return _Interval(
        first,
        last,
        arrived=last.requests - first.requests,
        rejected=last.rejected - first.rejected,
        restarted=False,
    )


def _recent(samples: Series, *, now: datetime) -> Series:
    """Return the samples in the window; one from the future is as wrong as an old one."""
    begin = now - timedelta(seconds=WINDOW_SECONDS)
    return [sample for sample in samples if begin <= sample.taken_at <= now]


def _is_fresh(samples: Series, *, now: datetime) -> bool:
    return bool(samples) and now - samples[-1].taken_at <= timedelta(seconds=MAX_AGE_SECONDS)


def _rate(intervals: Sequence[_Interval]) -> float | None:
    """Return requests per second over the time that the intervals span, or None if that is too short to tell.

    Invalid requests are no work for an engine. They are subtracted from the total, as they are rejected later than they
    arrive.
    """
    seconds = _seconds(intervals)
    if seconds < MIN_SPAN_SECONDS:
        return None
    arrived = math.fsum(interval.arrived - interval.rejected for interval in intervals)
    return max(0.0, arrived / seconds)


def _released(intervals: Sequence[_Interval]) -> float:
    """Return the requests per second by which the queues got shorter, 0 if they did not or it is not known."""
    seconds = _seconds(intervals)
    if seconds < MIN_SPAN_SECONDS:
        return 0.0
    return max(0.0, math.fsum(each.first.waiting - each.last.waiting for each in intervals) / seconds)


def _seconds(intervals: Sequence[_Interval]) -> float:
    """Return the time that `intervals` span, 0 without any."""
    begin = min([interval.first.taken_at for interval in intervals], default=None)
    end = max([interval.last.taken_at for interval in intervals], default=None)
    return 0.0 if begin is None or end is None else (end - begin).total_seconds()


def _quiet_since(recent: Mapping[str, Series], *, fresh: Mapping[str, GatewaySample]) -> datetime | None:
    """Return since when no pod has had a request, or None if one has."""
    if any(sample.outstanding > 0 for sample in fresh.values()):
        return None
    return max(_pod_quiet_since(recent[uid]) for uid in fresh)


def _pod_quiet_since(samples: Series) -> datetime:
    """Return since when a pod without requests has had none.

    Where the samples do not reach back far enough, the pod's own report applies: that it never had a request, or how
    long ago the last one was.
    """
    for first, last in reversed(list(pairwise(samples))):
        if not _between(first, last).is_quiet:
            return last.taken_at
    oldest = samples[0]
    if oldest.requests == 0:
        return BEFORE_ALL_TIME
    if oldest.outstanding > 0 or oldest.last_request_seconds is None:
        return oldest.taken_at
    return oldest.taken_at - timedelta(seconds=max(0.0, oldest.last_request_seconds - CLOCK_SECONDS))
