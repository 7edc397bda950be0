"""Decides whether a service needs no replica at all. This requires the gateway, which holds the next request.

A service scales to zero from one replica, once it is known that no request arrived for `idleSeconds`: the gateway
answered all that time, to this process or to its predecessor, whose memory is in the status. It stays at zero until

    more than `activationRequests` are held (with 0: until any request arrived), or
    the gateway, which the operator does not hear, has poked it: it does so when a request is held, or
    a trigger is above its activation threshold.

A missing trigger prevents a service from scaling to zero, but does not wake one that is at zero. Nor does a gateway
that does not answer: a network fault of the operator would start a GPU for every service that sleeps.

A restart of the gateway does neither: its counters then show no requests, and it answers again.
"""

from dataclasses import replace

from embedding_operator.domain.load.triggers import TriggerDemand
from embedding_operator.domain.memory import IdleTime, is_fresh
from embedding_operator.domain.observation import GatewayLoad, Observation


def idle_time(observation: Observation, *, triggers: TriggerDemand) -> IdleTime | None:
    """Return the time for which no request is known to have been there, or None if it is unknown."""
    gateway = observation.gateway
    if gateway is None or not gateway.holds or triggers.strongest is not None:
        return None
    known = _remembered(observation)
    if known is not None and has_no_replica(observation) and known.seconds >= observation.policy.idle_seconds:
        return _slept_on(known, gateway, observation=observation)
    if triggers.missing or not gateway.is_complete or gateway.quiet_since is None or gateway.sampled_at is None:
        return None
    if known is not None and gateway.quiet_since <= known.until:
        return replace(known, until=max(known.until, gateway.sampled_at))
    return IdleTime(since=gateway.sampled_at, until=gateway.sampled_at)


def needs_none(observation: Observation, *, idle: IdleTime | None, required: float) -> bool:
    """Return whether the bounds and `idle` allow no replica at all; `required` is in tokens per second."""
    if idle is None or idle.seconds < observation.policy.idle_seconds:
        return False
    if any(allowance.min_replicas for allowance in observation.bounds.pools):
        return False
    if has_no_replica(observation):
        return True
    is_last = sum(pool.replicas for pool in observation.pools) == 1
    return is_last and required <= 0 and not any(pool.starting for pool in observation.pools)


def has_no_replica(observation: Observation) -> bool:
    """Return whether no pool currently has a desired replica."""
    return not any(pool.replicas for pool in observation.pools)


def _remembered(observation: Observation) -> IdleTime | None:
    """Return the idle time of the last decision.

    After a restart, a gap or a clock jump, it is unknown what arrived in the meantime. The time then starts anew,
    except for a service at zero: requests that would wake it are still held.
    """
    memory, now = observation.memory, observation.now
    if memory is None or memory.idle is None:
        return None
    if is_fresh(memory.at, now=now):
        return memory.idle
    return replace(memory.idle, until=now) if has_no_replica(observation) else None


def _slept_on(known: IdleTime, gateway: GatewayLoad, *, observation: Observation) -> IdleTime | None:
    """Return the idle time of a service at zero, or None if it must wake."""
    held_still = observation.policy.activation_requests
    if gateway.outstanding > held_still:
        return None
    came = gateway.last_arrival is not None and gateway.last_arrival > known.until
    if came and held_still == 0:
        return None
    if gateway.is_heard and gateway.sampled_at is not None:
        return replace(known, until=max(known.until, gateway.sampled_at))
    poked = observation.poked_at
    return None if poked is not None and poked > known.until else known
