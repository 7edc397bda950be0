"""Derives from the samples of engines what each of them did since the last decision.

A replica was saturated in an interval if work waited throughout. This can only be sampled, and at any moment even a
replica at half its capacity has a batch that waits for the previous one. So more than that must wait, at both ends of
the interval and at the beginning of the previous one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from embedding_operator.domain.load.engine_load import MIN_SPAN_SECONDS, WINDOW_SECONDS, Interval, Series, intervals_of
from embedding_operator.domain.observation import WorkSample

LOOKS = 3

SATURATED_SECONDS = 0.25
"""Saturation requires this many seconds of waiting work. When any waiting token counted as saturation, replicas that
were one third busy taught a third of their true tokens per second, on traces of two services."""


def work_since(
    since: datetime | None, *, series: Mapping[str, Series], now: datetime
) -> dict[str, tuple[WorkSample, ...]]:
    """Return by pod UID the work in intervals that ended after `since`, or in all intervals if that is None.

    An interval counts once; intervals shorter than the minimum span are left out.
    """
    return {uid: _work(samples, since=since, now=now) for uid, samples in series.items()}


def work_done(
    tokens: float, *, seconds: float, in_flight: Sequence[float], waiting_tokens: Sequence[float]
) -> WorkSample:
    """Return the work of a replica that computed `tokens` in `seconds`.

    `in_flight` and `waiting_tokens` are its values at the end, at the beginning, and at the sample before that, if any.
    """
    rate = tokens / seconds
    return WorkSample(
        tokens_per_second=rate,
        in_flight=sum(in_flight[:2]) / 2,
        least_in_flight=min(in_flight),
        waited=len(waiting_tokens) >= LOOKS and min(waiting_tokens) > SATURATED_SECONDS * rate,
    )


def _work(samples: Series, *, since: datetime | None, now: datetime) -> tuple[WorkSample, ...]:
    if since is not None and not any(sample.taken_at > since for sample in samples[-1:]):
        return ()
    intervals = intervals_of(samples, now=now, window=WINDOW_SECONDS)
    return tuple(
        _done(each, before=before)
        for before, each in zip((None, *intervals), intervals, strict=False)
        if (since is None or each.last.taken_at > since) and _seconds(each) >= MIN_SPAN_SECONDS
    )


def _seconds(interval: Interval) -> float:
    return (interval.last.taken_at - interval.first.taken_at).total_seconds()


def _done(interval: Interval, *, before: Interval | None) -> WorkSample:
    looks = [interval.last, interval.first, *(() if before is None else (before.first,))]
    return work_done(
        interval.tokens,
        seconds=_seconds(interval),
        in_flight=[look.in_flight or 0.0 for look in looks],
        waiting_tokens=[look.waiting_tokens or 0.0 for look in looks],
    )
