"""From the samples of engines to what each of them did since the last decision.

A replica was saturated in a stretch of time if work waited throughout. That is seen at moments only, and at any moment
a replica with half the load that it bears has a batch that waits for the one before it. So what waits must be more than
that, at both ends of the stretch and at the end of the one before.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from embedding_operator.domain.load.engine_load import MIN_SPAN_SECONDS, WINDOW_SECONDS, Interval, Series, intervals_of
from embedding_operator.domain.observation import WorkSample

LOOKS = 3

SATURATED_SECONDS = 0.25
"""What must wait is the work of so many seconds. With any waiting token taken for saturation, replicas that were a
third busy taught a third of the tokens per second that they can do, on traces of two services."""


def work_since(
    since: datetime | None, *, series: Mapping[str, Series], now: datetime
) -> dict[str, tuple[WorkSample, ...]]:
    """Return by pod UID what was done between samples that came after `since`, or ever if that is None.

    A stretch of time counts once: what lies closer together than samples are kept is left to the next.
    """
    return {uid: _work(samples, since=since, now=now) for uid, samples in series.items()}


def work_done(
    tokens: float, *, seconds: float, in_flight: Sequence[float], waiting_tokens: Sequence[float]
) -> WorkSample:
    """Return what a replica did that computed `tokens` in `seconds`.

    `in_flight` and `waiting_tokens` are what it had at the end, at the beginning, and at the look before that, if any.
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
