"""Builders of observations for the tests of the decision."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.decision import PoolTarget
from embedding_operator.domain.memory import IdleTime, RequirementBucket, ScalingMemory
from embedding_operator.domain.observation import (
    Allowance,
    Bounds,
    GatewayLoad,
    Load,
    Observation,
    Parity,
    Pool,
    Replica,
    ScalingPolicy,
    TriggerReading,
)

from tests.world.builders import NOON

A10 = 1000.0
T4 = 400.0


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def pool(
    name: str = "a10",
    *,
    ready: int = 0,
    starting: int = 0,
    stuck: int = 0,
    speed: float = A10,
    ready_since: datetime | None = None,
    parity: Parity = Parity.PASSED,
    price: float | None = None,
) -> Pool:
    long_ago = NOON - timedelta(hours=1)
    pods = [
        Replica(
            uid=f"{name}-{number}",
            name=f"{name}-{number}",
            created_at=long_ago,
            ready_since=(ready_since or long_ago) if number < ready else None,
            stuck=Reason.UNSCHEDULABLE if number >= ready + starting else None,
            parity=parity,
        )
        for number in range(ready + starting + stuck)
    ]
    held = ready + starting + stuck
    return Pool(name=name, replicas=held, tokens_per_second=speed, pods=tuple(pods), price_per_hour=price)


def bounds(*allowances: tuple[str, int, int], asleep: bool = False, next_transition: datetime | None = None) -> Bounds:
    return Bounds(
        pools=tuple(Allowance(pool=name, min_replicas=low, max_replicas=high) for name, low, high in allowances),
        asleep=asleep,
        window="night" if asleep else None,
        next_transition=next_transition,
    )


def load(
    *,
    queue: float = 0.0,
    tokens: float | None = None,
    rate: float | None = 0.0,
    reporting: int = 1,
    expected: int | None = None,
    age: float = 0.0,
    now: datetime = NOON,
) -> Load:
    return Load(
        sampled_at=now - timedelta(seconds=age),
        queue_requests=queue,
        queue_tokens=queue * 100 if tokens is None else tokens,
        arrival_tokens_per_second=rate,
        reporting=reporting,
        expected=reporting if expected is None else expected,
    )


def gateway(
    *,
    waiting: float = 0.0,
    outstanding: float | None = None,
    rate: float | None = 0.0,
    quiet_since: datetime | None = NOON - timedelta(hours=1),
    last_arrival: datetime | None = None,
    answering: int = 2,
    reporting: int | None = None,
    expected: int = 2,
    sampled_at: datetime | None = NOON,
) -> GatewayLoad:
    held = waiting if outstanding is None else outstanding
    return GatewayLoad(
        outstanding=held,
        waiting=waiting,
        requests_per_second=rate,
        last_arrival=last_arrival,
        quiet_since=quiet_since if held == 0 and answering == expected else None,
        sampled_at=sampled_at if answering else None,
        answering=answering,
        reporting=answering if reporting is None else reporting,
        expected=expected,
    )


def trigger(
    value: float | None = None,
    *,
    name: str = "orders",
    threshold: float = 10.0,
    activation: float = 0.0,
    problem: str | None = None,
    taken_at: datetime = NOON,
) -> TriggerReading:
    return TriggerReading(
        name=name,
        threshold=threshold,
        activation_threshold=activation,
        value=value,
        problem=problem or ("no answer in time" if value is None else None),
        taken_at=taken_at,
    )


def idle_for(seconds: float, *, now: datetime = NOON, required: float = 0.0) -> ScalingMemory:
    """Return a settled memory of a gateway that was idle for `seconds` until the last decision."""
    last = now - timedelta(seconds=5)
    return settled_memory(required, now=now)._replace(
        idle=IdleTime(since=last - timedelta(seconds=seconds), until=last)
    )


def observe(
    *pools: Pool,
    allowed: Bounds | None = None,
    measured: Load | None = None,
    heard: GatewayLoad | None = None,
    triggers: Sequence[TriggerReading] = (),
    memory: ScalingMemory | None = None,
    policy: ScalingPolicy | None = None,
    now: datetime = NOON,
) -> Observation:
    return Observation(
        now=now,
        policy=policy or ScalingPolicy(),
        bounds=allowed or bounds(("a10", 1, 10)),
        pools=pools,
        load=measured,
        gateway=heard,
        triggers=tuple(triggers),
        memory=memory,
    )


def settled_memory(required: float, *, now: datetime = NOON) -> ScalingMemory:
    """Return a memory with settled windows: the current requirement has been the only one for an hour."""
    return ScalingMemory(
        at=now - timedelta(seconds=5),
        required=required,
        buckets=(
            RequirementBucket(
                at=now - timedelta(hours=1), until=now - timedelta(seconds=1201), highest=required, lowest=0, peak=0
            ),
        ),
    )


def replicas(targets: Sequence[PoolTarget]) -> dict[str, int]:
    return {target.pool: target.replicas for target in targets}
