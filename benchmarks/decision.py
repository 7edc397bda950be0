"""Measures how long one decision takes, by pools and replicas.

Goals: at most 2 ms for 3 pools of 50 replicas, and 10,000 decisions a second on one core for 1 pool of 4.
"""

import time
from datetime import UTC, datetime, timedelta

from embedding_operator.domain.decide import decide
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import (
    Allowance,
    Bounds,
    Load,
    Observation,
    Parity,
    Pool,
    Replica,
    ScalingPolicy,
)

from benchmarks.results_file import percentile, write

SIZES = ((1, 1), (1, 4), (1, 50), (3, 50))
ROUNDS = 2000
WARM_UP = 200
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def observation(*, pools: int, replicas: int, tick: int, memory: ScalingMemory | None) -> Observation:
    """Return a service in the middle of a handover, whose load changes at every tick: every step of a decision runs."""
    now = NOW + timedelta(seconds=5 * tick)
    made = tuple(_pool(number, replicas=replicas) for number in range(pools))
    return Observation(
        now=now,
        policy=ScalingPolicy(),
        bounds=Bounds(pools=tuple(Allowance(pool=pool.name, min_replicas=1, max_replicas=100) for pool in made[:2])),
        pools=made,
        load=Load(
            sampled_at=now,
            queue_requests=float(tick % 40),
            queue_tokens=100.0 * (tick % 40),
            arrival_tokens_per_second=1000.0 * replicas * (1 + (tick % 7) / 10),
            reporting=pools * replicas,
            expected=pools * replicas,
        ),
        memory=memory,
    )


def _pool(number: int, *, replicas: int) -> Pool:
    ready_since = NOW - timedelta(hours=1)
    pods = tuple(
        Replica(
            uid=f"{number}-{pod}",
            name=f"{number}-{pod}",
            created_at=ready_since,
            ready_since=ready_since,
            parity=Parity.PASSED,
        )
        for pod in range(replicas)
    )
    return Pool(name=f"pool-{number}", replicas=replicas, tokens_per_second=1000.0 / (number + 1), pods=pods)


def measure(*, pools: int, replicas: int) -> dict[str, float]:
    """Return the milliseconds per decision (median, 99th percentile, maximum) and the decisions per core and second."""
    memory: ScalingMemory | None = None
    taken = []
    computed = 0.0
    for tick in range(WARM_UP + ROUNDS):
        scene = observation(pools=pools, replicas=replicas, tick=tick, memory=memory)
        started, computing = time.perf_counter(), time.process_time()
        decision = decide(scene)
        computed += (time.process_time() - computing) if tick >= WARM_UP else 0.0
        taken.append((time.perf_counter() - started) * 1000)
        memory = decision.memory
    measured = taken[WARM_UP:]
    return {
        "p50_ms": round(percentile(measured, 0.5), 4),
        "p99_ms": round(percentile(measured, 0.99), 4),
        "max_ms": round(max(measured), 4),
        "decisions_per_core_second": round(len(measured) / computed),
    }


def main() -> None:
    """Measure every size, print and write the result."""
    figures = {f"{pools} pools x {replicas}": measure(pools=pools, replicas=replicas) for pools, replicas in SIZES}
    for size, taken in figures.items():
        print(f"{size:>14}: {taken}")
    print(write("decision", {"goal_ms": 2.0, "rounds": ROUNDS, "decision": figures}))


if __name__ == "__main__":
    main()
