"""From the samples of engines to what each of them did since the last decision."""

from collections.abc import Mapping
from datetime import datetime

from embedding_operator.domain.metrics import MIN_SPAN_SECONDS, WINDOW_SECONDS, Interval, Series, intervals_of
from embedding_operator.domain.observation import Work


def work_since(since: datetime | None, *, series: Mapping[str, Series], now: datetime) -> dict[str, tuple[Work, ...]]:
    """Return by pod UID what was done between samples that came after `since`, or ever if that is None.

    A stretch of time counts once: what lies closer together than samples are kept is left to the next.
    """
    return {uid: _work(samples, since=since, now=now) for uid, samples in series.items()}


def _work(samples: Series, *, since: datetime | None, now: datetime) -> tuple[Work, ...]:
    if since is not None and not any(sample.taken_at > since for sample in samples[-1:]):
        return ()
    return tuple(
        _done(each, seconds=_seconds(each))
        for each in intervals_of(samples, now=now, window=WINDOW_SECONDS)
        if (since is None or each.last.taken_at > since) and _seconds(each) >= MIN_SPAN_SECONDS
    )


def _seconds(interval: Interval) -> float:
    return (interval.last.taken_at - interval.first.taken_at).total_seconds()


def _done(interval: Interval, *, seconds: float) -> Work:
    first, last = interval.first, interval.last
    ends = (first.in_flight or 0.0, last.in_flight or 0.0)
    return Work(
        tokens_per_second=interval.tokens / seconds,
        in_flight=sum(ends) / 2,
        least_in_flight=min(ends),
        waited=bool(first.waiting_tokens and last.waiting_tokens),
    )
