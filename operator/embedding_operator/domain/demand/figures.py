"""Whether figures can be acted on at all, and whether they are complete enough to shrink on."""

import math
from dataclasses import dataclass

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.observation import Load, Observation

MAX_SAMPLE_AGE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why figures can not be used."""

    reason: StepReason
    message: str


def usable_load(observation: Observation) -> Load | Hold:
    """Return the load to decide on; missing, stale and invalid figures are none."""
    load = observation.load
    if load is None:
        serving = any(pool.ready for pool in observation.pools)
        message = "no replica reported: the requirement is held" if serving else "no replica is Ready to be measured"
        return Hold(reason=StepReason.METRICS_MISSING_HOLD, message=message)
    rates = (load.arrival_tokens_per_second or 0.0, load.burst_tokens_per_second or 0.0)
    figures = (load.queue_requests, load.queue_tokens, *rates)
    if not all(0.0 <= figure < math.inf for figure in figures):
        message = "a figure is negative, NaN or infinite: the requirement is held"
        return Hold(reason=StepReason.METRICS_INVALID_HOLD, message=message)
    age = (observation.now - load.sampled_at).total_seconds()
    if abs(age) > MAX_SAMPLE_AGE_SECONDS:
        message = f"figures are {age:.0f} s old: the requirement is held"
        return Hold(reason=StepReason.METRICS_STALE_HOLD, message=message)
    return load


def gap_in(load: Load, *, observation: Observation) -> str | None:
    """Return what is missing in figures that can be used; None where they are complete."""
    if load.reporting < load.expected:
        return f"{load.reporting} of {load.expected} Ready replicas reported"
    gap = _gateway_gap(observation)
    if gap is None and load.arrival_tokens_per_second is None:
        return "the arrival rate is not known yet"
    return gap


def _gateway_gap(observation: Observation) -> str | None:
    """Return what is not known of the gateway; None where requests do not come through it, or all is known."""
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
