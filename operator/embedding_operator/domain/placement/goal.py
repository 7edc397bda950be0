"""The goal of a decision: replicas per pool for the required capacity, within the bounds of the window."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.load.triggers import TriggerDemand, sentence
from embedding_operator.domain.memory import IdleTime, PoolBackoff, PrewarmFloor
from embedding_operator.domain.observation import Allowance, Bounds, GatewayLoad, Observation
from embedding_operator.domain.placement.allocation import allocated, coverage, pool_of_the_first
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE
from embedding_operator.domain.placement.pool_backoff import Shortage, pool_backoffs, unmet_replicas, usable
from embedding_operator.domain.placement.prewarm import ahead, prewarm_floors, raised_pools, with_floor
from embedding_operator.domain.placement.scale_to_zero import has_no_replica, idle_time, needs_none


class Goal(NamedTuple):
    """Replicas by pool, and the tokens per second that must be Ready before other replicas are removed."""

    replicas: dict[str, int]
    need: float
    steps: tuple[Step, ...] = ()


class Placement(NamedTuple):
    """The goal, and the state that the next decision needs; `backoffs` are by pool name."""

    goal: Goal
    idle: IdleTime | None
    backoffs: Mapping[str, PoolBackoff]
    floors: tuple[PrewarmFloor, ...]
    raised: tuple[str, ...]
    steps: tuple[Step, ...]


def place(observation: Observation, *, required: float, triggers: TriggerDemand) -> Placement:
    """Return the placement of `required` tokens per second, plus replicas that start for the next window."""
    idle = idle_time(observation, triggers=triggers)
    backoffs = pool_backoffs(observation)
    raised = raised_pools(observation.bounds)
    held = prewarm_floors(observation, required=required, raised=raised)
    goal = _goal(observation, required=required, triggers=triggers, idle=idle, backoffs=backoffs, floors=held.known)
    if held.known:
        for pool, replicas in ahead(held.known, bounds=observation.bounds, now=observation.now).items():
            goal.replicas[pool] = max(replicas, goal.replicas.get(pool, 0))
    return Placement(goal, idle, backoffs, held.known, raised, (*held.steps, *goal.steps))


def _goal(
    observation: Observation,
    *,
    required: float,
    triggers: TriggerDemand,
    idle: IdleTime | None,
    backoffs: Mapping[str, PoolBackoff],
    floors: tuple[PrewarmFloor, ...],
) -> Goal:
    """Return the goal within the current window."""
    bounds, known = observation.bounds, observation.capacity
    if bounds.asleep:
        message = f"window {bounds.window} holds no replicas{_and_requests(observation.gateway)}"
        return Goal({}, 0.0, (step(StepReason.ASLEEP, message, before=required, after=0.0),))
    if idle is not None and needs_none(observation, idle=idle, required=required):
        message = _why_none(observation, idle=idle)
        return Goal(dict.fromkeys(known, 0), 0.0, (step(StepReason.IDLE, message, before=required, after=0.0),))
    allowances = [allowance for allowance in bounds.pools if allowance.pool in known]
    if floors:
        allowances = [with_floor(allowance, known=floors, now=observation.now) for allowance in allowances]
    goal = _within(observation, allowances=allowances, required=required, backoffs=backoffs)
    if allowances and not any(goal.replicas.values()):
        growing = [allowance for allowance in allowances if allowance.pool not in backoffs] or allowances
        first = pool_of_the_first(policy=observation.policy, allowances=growing, pools=observation.pools)
        kept = _keep_one_step(observation, pool=first, idle=idle)
        goal = Goal(replicas={**goal.replicas, first: 1}, need=known[first], steps=(*goal.steps, kept))
    return goal._replace(steps=(*goal.steps, *_wake_steps(observation, goal=goal.replicas, triggers=triggers)))


def _within(
    observation: Observation,
    *,
    allowances: Sequence[Allowance],
    required: float,
    backoffs: Mapping[str, PoolBackoff],
) -> Goal:
    """Allocate within the bounds, plus probe replicas for pools in backoff.

    The capacity that must be Ready before other replicas are removed is what pools would hold if none were in backoff:
    replicas that serve in place of pods that cannot start stay.
    """
    policy, pools, capacity = observation.policy, observation.pools, observation.capacity
    wished = allocated(required, policy=policy, allowances=allowances, pools=pools)
    need = coverage(wished.replicas, tokens_per_second=capacity)
    bounded = _bound_steps(need, observation=observation, allowances=allowances, required=required)
    steps = (*wished.steps, *bounded)
    if not backoffs or not any(allowance.pool in backoffs for allowance in allowances):
        return Goal(wished.replicas, need, steps)
    by_name = {pool.name: pool for pool in pools}
    held = [
        usable(each, pool=by_name[each.pool], backoff=backoffs[each.pool], now=observation.now)
        if each.pool in backoffs
        else each
        for each in allowances
    ]
    goal = allocated(required, policy=policy, allowances=held, pools=pools).replicas
    missing = required - coverage(goal, tokens_per_second=capacity)
    for allowance in allowances:
        backoff, pool = backoffs.get(allowance.pool), by_name[allowance.pool]
        if backoff is None:
            continue
        shortage = Shortage(
            replicas=goal[pool.name],
            wished=wished.replicas[pool.name],
            most=allowance.max_replicas,
            missing=missing,
        )
        if shortage.wished > shortage.replicas:
            steps = (*steps, _backoff_step(backoff, shortage))
        probes = unmet_replicas(pool, shortage, backoff=backoff, now=observation.now)
        goal[pool.name] = max(allowance.min_replicas, goal[pool.name] + probes)
        missing -= probes * pool.tokens_per_second
    return Goal(goal, need, steps)


def _backoff_step(backoff: PoolBackoff, shortage: Shortage) -> Step:
    tried = f"the next attempt is after {backoff.until:%H:%M:%S} UTC"
    message = f"{backoff.pool}: pods cannot start, so it does not grow until one does; {tried}"
    before, after = shortage.wished, shortage.replicas
    return step(StepReason.POOL_BACKOFF, message, before=before, after=after, pool=backoff.pool)


def _bound_steps(
    covered: float, *, observation: Observation, allowances: Sequence[Allowance], required: float
) -> tuple[Step, ...]:
    """Return the step for the bound that limits or raises the requirement; the window allows `covered`."""
    capacity = observation.capacity
    least = sum([allowance.min_replicas * capacity[allowance.pool] for allowance in allowances])
    if covered < required - TOLERANCE:
        message = f"maxReplicas{_of_window(observation.bounds)} is below the requirement"
        return (step(StepReason.AT_MAXIMUM, message, before=required, after=covered),)
    if least > required + TOLERANCE:
        message = f"minReplicas{_of_window(observation.bounds)} is above the requirement"
        return (step(StepReason.AT_MINIMUM, message, before=required, after=least),)
    return ()


def _and_requests(gateway: GatewayLoad | None) -> str:
    held = 0.0 if gateway is None else gateway.waiting
    return f": {held:.0f} requests are held until it closes" if held > 0 else ""


def _why_none(observation: Observation, *, idle: IdleTime) -> str:
    held = 0.0 if observation.gateway is None else observation.gateway.outstanding
    if held > 0:
        return f"{held:.0f} requests are held: only more than scaling.activationRequests start a replica"
    return f"no request has arrived since {idle.since:%Y-%m-%d %H:%M:%S} UTC: no replica is needed until one does"


def _keep_one_step(observation: Observation, *, pool: str, idle: IdleTime | None) -> Step:
    """Return why one replica stays, or starts, although the load does not need it."""
    seconds = observation.policy.idle_seconds
    if observation.gateway is None or not observation.gateway.holds:
        why = "without it, requests would fail"
    elif idle is None:
        why = "requests arrive, or it is not known whether they do"
    else:
        why = f"requests arrived until {idle.since:%Y-%m-%d %H:%M:%S} UTC; it leaves {seconds:.0f} s after the last"
    message = f"one replica of {pool} stays: {why}"
    return step(StepReason.KEEP_ONE, message, before=0, after=1, pool=pool)


def _wake_steps(observation: Observation, *, goal: Mapping[str, int], triggers: TriggerDemand) -> tuple[Step, ...]:
    """Return the reasons for waking a service that has no replica."""
    if not has_no_replica(observation):
        return ()
    replicas, gateway = sum(goal.values()), observation.gateway
    messages = [f"{sentence(triggers)}, but there is none"] if triggers.strongest is not None else []
    if gateway is not None and gateway.outstanding > 0:
        messages.append(f"{gateway.outstanding:.0f} requests are held, but there is no replica")
    return tuple([step(StepReason.WAKE, message, before=0, after=replicas) for message in messages])


def _of_window(bounds: Bounds) -> str:
    return "" if bounds.window is None else f" of window {bounds.window}"
