"""The load of a service from counters that never decrease.

A simulated service is one engine and one gateway pod that always answer and never restart. This leaves little of the
arithmetic of `engine_load.measure` and `gateway_load.listen`: what came between consecutive samples is the difference
of the last and the first. A test checks that both give the same values for the same samples.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from embedding_operator.domain.load.engine_load import HALF_LIFE_SECONDS, MIN_SPAN_SECONDS, SERVED_SECONDS, is_recent
from embedding_operator.domain.load.gateway_load import BEFORE_ALL_TIME
from embedding_operator.domain.observation import TOKENS_PER_REQUEST, GatewayLoad, Load


class Sample(NamedTuple):
    """What the engine and the gateway report at one instant.

    `outstanding` requests were accepted and not answered yet. Of those that wait, `held_requests` are at the gateway,
    and `queue_requests` with `queue_tokens` at the engine. The other values are counters.
    """

    taken_at: datetime
    outstanding: int
    held_requests: int
    queue_requests: int
    queue_tokens: float
    arrived_requests: int
    answered_requests: int
    answered_tokens: float


Samples = Sequence[Sample]
"""Samples of the last minute, oldest first: at least one, and the newest was taken now."""


def load_of_engine(samples: Samples, *, replicas: int) -> Load:
    """Return the load from the engine, which stands for `replicas` engines."""
    first, recent, last = samples[0], _first_recent(samples), samples[-1]
    return Load(
        sampled_at=last.taken_at,
        queue_requests=float(last.queue_requests),
        queue_tokens=float(last.queue_tokens),
        arrival_tokens_per_second=_rate(_tokens_until(last) - _tokens_until(first), first=first, last=last),
        burst_tokens_per_second=_rate(_tokens_until(last) - _tokens_until(recent), first=recent, last=last),
        served_tokens_per_second=_served(samples),
        reporting=replicas,
        expected=replicas,
        tokens_per_request=tokens_per_request(samples, ever=True),
    )


def tokens_per_request(samples: Samples, *, ever: bool) -> float:
    """Return the mean length of recent requests; without any, and if `ever`, of all requests, or of waiting ones."""
    last = samples[-1]
    tokens = requests = 0.0
    for begin, end in pairwise(samples):
        weight = 0.5 ** ((last.taken_at - end.taken_at).total_seconds() / HALF_LIFE_SECONDS)
        tokens += weight * (end.answered_tokens - begin.answered_tokens)
        requests += weight * (end.answered_requests - begin.answered_requests)
    if tokens > 0.0 and requests > 0.0:
        return tokens / requests
    if ever and last.answered_tokens > 0.0 and last.answered_requests > 0:
        return last.answered_tokens / last.answered_requests
    if ever and last.queue_tokens > 0.0 and last.queue_requests > 0:
        return last.queue_tokens / last.queue_requests
    return TOKENS_PER_REQUEST


def load_of_gateway(samples: Samples, *, holds: bool) -> GatewayLoad:
    """Return the load from the gateway; `holds` says whether it holds requests for a first replica."""
    first, recent, last = samples[0], _first_recent(samples), samples[-1]
    return GatewayLoad(
        outstanding=float(last.outstanding),
        waiting=float(last.held_requests),
        requests_per_second=_rate(last.arrived_requests - first.arrived_requests, first=first, last=last),
        burst_per_second=_rate(last.arrived_requests - recent.arrived_requests, first=recent, last=last),
        released_per_second=_rate(first.held_requests - last.held_requests, first=first, last=last) or 0.0,
        burst_released_per_second=_rate(recent.held_requests - last.held_requests, first=recent, last=last) or 0.0,
        last_arrival=_last_arrival(samples),
        quiet_since=_quiet_since(samples),
        sampled_at=last.taken_at,
        answering=1,
        reporting=min(1, len(samples) - 1),
        expected=1,
        holds=holds,
    )


def _tokens_until(sample: Sample) -> float:
    """Return the tokens that had arrived at the engine."""
    return sample.answered_tokens + sample.queue_tokens


def _first_recent(samples: Samples) -> Sample:
    """Return the sample from which on arrivals count as a burst."""
    recent = last = samples[-1]
    for after, before in pairwise(reversed(samples)):
        if not is_recent(before.taken_at, after.taken_at, now=last.taken_at):
            break
        recent = before
    return recent


def _rate(arrived: float, *, first: Sample, last: Sample) -> float | None:
    """Return the arrivals per second; None if the time is too short to tell."""
    seconds = (last.taken_at - first.taken_at).total_seconds()
    return None if seconds < MIN_SPAN_SECONDS else max(0.0, arrived / seconds)


def _served(samples: Samples) -> float | None:
    """Return the tokens per second answered since requests began to wait; None if that is too short to tell."""
    first, last = samples[0], samples[-1]
    begin = next((sample for sample in reversed(samples) if sample.queue_requests <= 0), first)
    seconds = (last.taken_at - begin.taken_at).total_seconds()
    return None if seconds < SERVED_SECONDS else (last.answered_tokens - begin.answered_tokens) / seconds


def _last_arrival(samples: Samples) -> datetime | None:
    for after, before in pairwise(reversed(samples)):
        if after.arrived_requests > before.arrived_requests:
            return after.taken_at
    return None


def _quiet_since(samples: Samples) -> datetime | None:
    """Return since when there has been no request; None if there is one."""
    if samples[-1].outstanding > 0:
        return None
    for after, before in pairwise(reversed(samples)):
        if before.outstanding > 0 or after.arrived_requests > before.arrived_requests:
            return after.taken_at
    return samples[0].taken_at if samples[0].arrived_requests > 0 else BEFORE_ALL_TIME
