"""From required capacity to the replicas per pool at which a decision wants to end, within the bounds of the window."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.load.triggers import asked_for, sentence
from embedding_operator.domain.memory import Closure, Floor, Idle
from embedding_operator.domain.observation import Allowance, Bounds, GatewayLoad, Observation
from embedding_operator.domain.placement.allocation import allocated, coverage, pool_of_the_first
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE
from embedding_operator.domain.placement.pool_backoff import Shortage, asked_in_vain, usable
from embedding_operator.domain.placement.prewarm import ahead, with_floor
from embedding_operator.domain.placement.scale_to_zero import has_no_replica, needs_none
from embedding_operator.domain.trace import Trace


class Goal(NamedTuple):
    """Replicas by pool, and the tokens per second that must be Ready before others leave."""

    replicas: dict[str, int]
    need: float


def goal_of(
    observation: Observation,
    *,
    required: float,
    idle: Idle | None,
    closures: Mapping[str, Closure],
    floors: tuple[Floor, ...],
    trace: Trace,
) -> Goal:
    """Return where to end; what starts for the next window comes on top of what this one needs."""
    goal = _goal_of_now(observation, required=required, idle=idle, closures=closures, floors=floors, trace=trace)
    if floors:
        for pool, replicas in ahead(floors, bounds=observation.bounds, now=observation.now).items():
            goal.replicas[pool] = max(replicas, goal.replicas.get(pool, 0))
    return goal


def _goal_of_now(
    observation: Observation,
    *,
    required: float,
    idle: Idle | None,
    closures: Mapping[str, Closure],
    floors: tuple[Floor, ...],
    trace: Trace,
) -> Goal:
    bounds = observation.bounds
    if bounds.asleep:
        message = f"window {bounds.window} holds no replicas{_and_requests(observation.gateway)}"
        trace.add(StepReason.ASLEEP, message, before=required, after=0.0)
        return Goal(replicas={}, need=0.0)
    known = observation.capacity
    if idle is not None and needs_none(observation, idle=idle, required=required):
        trace.add(StepReason.IDLE, _why_none(observation, idle=idle), before=required, after=0.0)
        return Goal(replicas=dict.fromkeys(known, 0), need=0.0)
    allowances = [allowance for allowance in bounds.pools if allowance.pool in known]
    if floors:
        allowances = [with_floor(allowance, known=floors, now=observation.now) for allowance in allowances]
    goal = _within(observation, allowances=allowances, required=required, closures=closures, trace=trace)
    if allowances and not any(goal.replicas.values()):
        growing = [allowance for allowance in allowances if allowance.pool not in closures] or allowances
        first = pool_of_the_first(policy=observation.policy, allowances=growing, pools=observation.pools)
        goal.replicas[first] = 1
        goal = Goal(replicas=goal.replicas, need=observation.capacity[first])
        _trace_one(observation, pool=first, idle=idle, trace=trace)
    _trace_wake(observation, goal=goal.replicas, trace=trace)
    return goal


def _within(
    observation: Observation,
    *,
    allowances: Sequence[Allowance],
    required: float,
    closures: Mapping[str, Closure],
    trace: Trace,
) -> Goal:
    """Return what the bounds allow, and what closed pools are asked for in vain.

    What must be Ready before others leave is what open pools would hold: who serves in place of pods that can not start
    stays.
    """
    policy, pools, now = observation.policy, observation.pools, observation.now
    wished = allocated(required, policy=policy, allowances=allowances, pools=pools, trace=trace)
    need = coverage(wished, tokens_per_second=observation.capacity)
    _trace_bounds(need, observation=observation, allowances=allowances, required=required, trace=trace)
    if not closures or not any(allowance.pool in closures for allowance in allowances):
        return Goal(replicas=wished, need=need)
    by_name = {pool.name: pool for pool in pools}
    held = [
        usable(each, pool=by_name[each.pool], closure=closures[each.pool], now=now) if each.pool in closures else each
        for each in allowances
    ]
    goal = allocated(required, policy=policy, allowances=held, pools=pools, trace=Trace())
    missing = required - coverage(goal, tokens_per_second=observation.capacity)
    for allowance in allowances:
        closure, pool = closures.get(allowance.pool), by_name[allowance.pool]
        if closure is None:
            continue
        shortage = Shortage(
            replicas=goal[pool.name], wished=wished[pool.name], most=allowance.max_replicas, missing=missing
        )
        if shortage.wished > shortage.replicas:
            _trace_closed(closure, shortage, trace=trace)
        vain = asked_in_vain(pool, shortage, closure=closure, now=now)
        goal[pool.name] = max(allowance.min_replicas, goal[pool.name] + vain)
        missing -= vain * pool.tokens_per_second
    return Goal(replicas=goal, need=need)


def _trace_closed(closure: Closure, shortage: Shortage, *, trace: Trace) -> None:
    tried = f"the next is tried after {closure.until:%H:%M:%S} UTC"
    message = f"{closure.pool}: pods can not start: it does not grow until one does, {tried}"
    before, after = shortage.wished, shortage.replicas
    trace.add(StepReason.POOL_CLOSED, message, before=before, after=after, pool=closure.pool)


def _trace_bounds(
    covered: float,
    *,
    observation: Observation,
    allowances: Sequence[Allowance],
    required: float,
    trace: Trace,
) -> None:
    """Say where the bounds, which allow `covered` tokens per second, ask for less or more than is required."""
    capacity = observation.capacity
    floor = sum([allowance.min_replicas * capacity[allowance.pool] for allowance in allowances])
    if covered < required - TOLERANCE:
        message = f"maxReplicas{_of_window(observation.bounds)} allows less than is required"
        trace.add(StepReason.AT_MAXIMUM, message, before=required, after=covered)
    elif floor > required + TOLERANCE:
        message = f"minReplicas{_of_window(observation.bounds)} asks for more than is required"
        trace.add(StepReason.AT_MINIMUM, message, before=required, after=floor)


def _and_requests(gateway: GatewayLoad | None) -> str:
    held = 0.0 if gateway is None else gateway.waiting
    return f": {held:.0f} requests are held until it closes" if held > 0 else ""


def _why_none(observation: Observation, *, idle: Idle) -> str:
    held = 0.0 if observation.gateway is None else observation.gateway.outstanding
    if held > 0:
        return f"{held:.0f} requests are held: more than scaling.activationRequests start a replica"
    return f"no request came since {idle.since:%Y-%m-%d %H:%M:%S} UTC: no replica is needed until one comes"


def _trace_one(observation: Observation, *, pool: str, idle: Idle | None, trace: Trace) -> None:
    """Say why one replica stays, or starts, that the load does not ask for."""
    seconds = observation.policy.idle_seconds
    if observation.gateway is None or not observation.gateway.holds:
        why = "requests to none would fail"
    elif idle is None:
        why = "requests come, or what comes is not known"
    else:
        why = f"requests came until {idle.since:%Y-%m-%d %H:%M:%S} UTC, it leaves {seconds:.0f} s after the last"
    message = f"one replica of {pool} stays: {why}"
    trace.add(StepReason.KEEP_ONE, message, before=0, after=1, pool=pool)


def _trace_wake(observation: Observation, *, goal: dict[str, int], trace: Trace) -> None:
    if not has_no_replica(observation):
        return
    asked, gateway = asked_for(observation.triggers, now=observation.now), observation.gateway
    if asked.strongest is not None:
        message = f"{sentence(asked)}, and there is none"
        trace.add(StepReason.WAKE, message, before=0, after=sum(goal.values()))
    if gateway is None or gateway.outstanding <= 0:
        return
    message = f"{gateway.outstanding:.0f} requests are held and there is no replica"
    trace.add(StepReason.WAKE, message, before=0, after=sum(goal.values()))


def _of_window(bounds: Bounds) -> str:
    return "" if bounds.window is None else f" of window {bounds.window}"
