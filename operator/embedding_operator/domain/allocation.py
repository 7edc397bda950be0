"""From required capacity to replicas per pool: `Ordered` fills the preferred pool and spills to the next.

Every allowed pool starts at its minimum. What is still short is taken from the pools in order of preference, each up to
its maximum.
"""

import math
from collections.abc import Mapping, Sequence

from embedding_operator.domain.observation import Allowance

# Capacities are measured figures: 2.0000000001 replicas are two.
TOLERANCE = 1e-6


def allocate(
    required: float, *, allowances: Sequence[Allowance], tokens_per_second: Mapping[str, float]
) -> dict[str, int]:
    """Return replicas by pool that hold `required` tokens per second, as far as the bounds allow."""
    replicas = {allowance.pool: allowance.min_replicas for allowance in allowances}
    missing = required - coverage(replicas, tokens_per_second=tokens_per_second)
    for allowance in allowances:
        capacity = tokens_per_second[allowance.pool]
        wanted = math.ceil(missing / capacity - TOLERANCE)
        added = max(0, min(wanted, allowance.max_replicas - allowance.min_replicas))
        replicas[allowance.pool] += added
        missing -= added * capacity
    return replicas


def coverage(replicas: Mapping[str, int], *, tokens_per_second: Mapping[str, float]) -> float:
    """Return the tokens per second that `replicas` serve once all are Ready."""
    return sum(count * tokens_per_second[pool] for pool, count in replicas.items())
