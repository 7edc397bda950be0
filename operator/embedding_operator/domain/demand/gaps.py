"""What is missing in a load that can be used, and what is assumed about it when it stays away.

While something is missing, a service may grow but not shrink. That ends after `GAP_SECONDS`: one replica that never
reports must not hold all others for ever. From then on, what is silent counts as busy:

    a replica            all of its capacity is in use, in addition to everything that is known
    a gateway pod        it has as many requests as those that answer, on average

A service still does not shrink while no replica reports, no gateway pod answers, or no arrival rate is known.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from embedding_operator.domain.observation import Load, Observation

GAP_SECONDS = 120.0
"""A replica or gateway pod that restarts is back within this time."""


def gap_in(load: Load, *, observation: Observation) -> str | None:
    """Return what is missing in a usable load, or None if it is complete."""
    if load.reporting < load.expected:
        return f"{load.reporting} of {load.expected} Ready replicas reported"
    gap = _gateway_gap(observation)
    if gap is None and load.arrival_tokens_per_second is None:
        return "the arrival rate is not known yet"
    return gap


def gap_since(gap: str | None, *, last: datetime | None, now: datetime) -> datetime | None:
    """Return since when there has been a gap, None if there is none; `last` is what the last decision remembered."""
    if gap is None:
        return None
    return last if last is not None and last <= now else now


def assumed_load(load: Load, *, observation: Observation, since: datetime | None) -> Load | None:
    """Return the load with what is silent as busy; None if the gap is too new, or nothing can be assumed."""
    if since is None or observation.now - since < timedelta(seconds=GAP_SECONDS):
        return None
    arriving, gateway = load.arrival_tokens_per_second, observation.gateway
    if load.reporting == 0 or arriving is None or (gateway is not None and gateway.answering == 0):
        return None
    silent = load.expected - load.reporting
    fastest = max((pool.tokens_per_second for pool in observation.pools if pool.ready), default=0.0)
    queued = load.work_that_waits
    if gateway is not None and gateway.answering < gateway.expected:
        share = gateway.expected / gateway.answering
        arriving = max(arriving, share * load.tokens_per_request * (gateway.requests_per_second or 0.0))
        queued = max(queued, share * load.tokens_per_request * gateway.waiting)
    return replace(load, arrival_tokens_per_second=arriving + silent * fastest, queue_tokens=queued)


def _gateway_gap(observation: Observation) -> str | None:
    """Return what is unknown about the gateway, or None if there is no gateway or everything is known."""
    gateway = observation.gateway
    if gateway is None or gateway.is_complete:
        return None
    if gateway.expected == 0:
        return "no gateway pod is Ready"
    if gateway.answering < gateway.expected:
        return f"{gateway.answering} of {gateway.expected} Ready gateway pods answered"
    if gateway.reporting < gateway.expected:
        return f"{gateway.expected - gateway.reporting} of {gateway.expected} gateway pods started in the last minute"
    return "the request rate at the gateway is not known yet"
