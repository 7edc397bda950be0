"""Starts replicas before the window that needs them opens.

A window that newly allows a pool, prefers it more, or raises its minimum finds the pool's replicas Ready if they start

    1.2 * startup + 30 s

before it opens. Their number is the pool's share, within the bounds of that window, of the current requirement or that
at this time of day, whichever is higher. Until the window opens, they are added to those of the previous window. Then
their highest number stays as a minimum for the down stabilization window: a window must not undo a start made for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.memory import PrewarmFloor
from embedding_operator.domain.observation import Allowance, Bounds, Observation
from embedding_operator.domain.placement.allocation import allocated

STARTUP_FACTOR = 1.2
SPARE_SECONDS = 30.0


def prewarm_at(opens: datetime, *, startup_seconds: float) -> datetime:
    """Return when to start replicas for a window."""
    return opens - timedelta(seconds=STARTUP_FACTOR * startup_seconds + SPARE_SECONDS)


def raised_pools(bounds: Bounds) -> tuple[str, ...]:
    """Return the pools on which the next window needs more than this one."""
    if not bounds.upcoming:
        return ()
    now = {each.pool: (rank, each) for rank, each in enumerate(bounds.pools)}
    return tuple(
        [
            each.pool
            for rank, each in enumerate(bounds.upcoming)
            if each.pool not in now or rank < now[each.pool][0] or each.min_replicas > now[each.pool][1].min_replicas
        ]
    )


class Floors(NamedTuple):
    """Replicas to hold for the next window, and for one that opened recently, sorted by pool name."""

    known: tuple[PrewarmFloor, ...]
    steps: tuple[Step, ...] = ()


def prewarm_floors(observation: Observation, *, required: float, raised: Sequence[str]) -> Floors:
    """Return the replicas to hold; `raised` are the pools on which the next window needs more than this one."""
    opens = observation.bounds.next_transition
    known = _still_known(observation)
    due = _due(observation, raised=raised, opens=opens) if opens is not None and raised else []
    steps: tuple[Step, ...] = ()
    if opens is not None and due:
        share = _share(observation, required=required)
        for pool in due:
            before = known.get(pool)
            least = before.replicas if before is not None and before.opens == opens else 0
            known[pool] = PrewarmFloor(pool=pool, replicas=max(least, share.get(pool, 0)), opens=opens)
            steps += _start_step(known[pool], observation=observation)
    return Floors(tuple([known[pool] for pool in sorted(known) if known[pool].replicas > 0]), steps)


def with_floor(allowance: Allowance, *, known: tuple[PrewarmFloor, ...], now: datetime) -> Allowance:
    """Return the bounds of a pool, with the minimum raised if its window opened recently."""
    least = max([each.replicas for each in known if each.pool == allowance.pool and each.opens <= now], default=0)
    if least <= allowance.min_replicas:
        return allowance
    return replace(allowance, min_replicas=min(least, allowance.max_replicas))


def ahead(known: tuple[PrewarmFloor, ...], *, bounds: Bounds, now: datetime) -> dict[str, int]:
    """Return the replicas by pool that start for the next window, within the bounds of the current one."""
    most = {each.pool: each.max_replicas for each in bounds.pools}
    return {each.pool: min(each.replicas, most.get(each.pool, each.replicas)) for each in known if each.opens > now}


def _still_known(observation: Observation) -> dict[str, PrewarmFloor]:
    if observation.memory is None or not observation.memory.floors:
        return {}
    now, hold = observation.now, timedelta(seconds=observation.policy.down_stabilization_seconds)
    pools = {pool.name for pool in observation.pools}
    return {
        each.pool: each
        for each in observation.memory.floors
        if each.pool in pools
        and (each.opens == observation.bounds.next_transition if each.opens > now else now < each.opens + hold)
    }


def _due(observation: Observation, *, raised: Sequence[str], opens: datetime) -> list[str]:
    startups = {pool.name: pool.startup_seconds for pool in observation.pools}
    known = [pool for pool in raised if pool in startups]
    return [pool for pool in known if prewarm_at(opens, startup_seconds=startups[pool]) <= observation.now < opens]


def _share(observation: Observation, *, required: float) -> dict[str, int]:
    """Return the replicas by pool that the next window is expected to need."""
    known = {pool.name for pool in observation.pools}
    return allocated(
        max(required, observation.forecast_tokens_per_second or 0.0),
        policy=observation.policy,
        allowances=[allowance for allowance in observation.bounds.upcoming if allowance.pool in known],
        pools=observation.pools,
    ).replicas


def _start_step(floor: PrewarmFloor, *, observation: Observation) -> tuple[Step, ...]:
    if floor.replicas == 0:
        return ()
    pool = next(each for each in observation.pools if each.name == floor.pool)
    window = observation.bounds.next_window
    what = "the bounds of spec.pools" if window is None else f"window {window}"
    message = (
        f"{floor.replicas} replicas of {floor.pool} start for {what} at {floor.opens:%H:%M} UTC, "
        f"because a start takes {pool.startup_seconds:.0f} s"
    )
    return (step(StepReason.PREWARM, message, before=pool.replicas, after=floor.replicas, pool=floor.pool),)
