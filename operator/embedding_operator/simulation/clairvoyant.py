"""The lowest cost that any policy could reach if it knew every request in advance: a lower bound, not a policy.

Time is cut into slots. In each slot the replicas of all pools together carry the required load; a replica costs
`slot_cost` in each slot that it runs, `start_cost` each time it is started and `stop_cost` each time it is stopped.
Dynamic programming over the replicas of every pool finds the exact cheapest plan, for as many pools as fit in memory
as states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]

EXACTLY_ENOUGH = 1e-9
"""Relative tolerance when capacity is compared with load, for sums that differ in their last bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedPool:
    """One pool for the bound. `capacity` is the load that one replica carries, in the unit of the load.

    Costs are in one currency: a start bills the time from its order until it serves, a stop the time its node lingers.
    """

    name: str
    capacity: float
    min_replicas: int
    max_replicas: int
    slot_cost: float
    start_cost: float
    stop_cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Replicas that serve, by slot and pool (`slots x pools`), and what they cost.

    The replicas of the first slot start for free. In `overloaded_slots`, not even all replicas of all pools suffice;
    there all of them run, and requests are late under any plan.
    """

    cost: float
    replicas: NDArray[np.int64]
    overloaded_slots: int


def cheapest_plan(load: Values, *, pools: Sequence[BoundedPool]) -> Plan:
    """Return the cheapest plan that carries `load` (one value per slot); raise `ValueError` without slots or pools."""
    if not pools or len(load) == 0:
        raise ValueError("a plan needs at least one pool and one slot")
    states = _states(pools)
    capacity = sum(pool.capacity * states[axis] for axis, pool in enumerate(pools))
    running = sum(pool.slot_cost * states[axis] for axis, pool in enumerate(pools))
    levels = np.unique(capacity)
    level = np.searchsorted(levels, load * (1 - EXACTLY_ENOUGH))
    first, lengths = _runs(level)
    required = levels[np.minimum(level[first], len(levels) - 1)]
    costs = _cost_to_each_state(required, lengths=lengths, capacity=capacity, running=running, pools=pools)
    return Plan(
        cost=float(costs[-1].min()),
        replicas=np.repeat(_cheapest_path(costs, pools=pools), lengths, axis=0),
        overloaded_slots=int(np.count_nonzero(level == len(levels))),
    )


def cost_of(replicas: NDArray[np.int64], *, pools: Sequence[BoundedPool]) -> float:
    """Return the cost of a plan (`slots x pools`), where the replicas of the first slot start for free."""
    running = replicas.sum(axis=0)
    changes = np.diff(replicas, axis=0)
    started, stopped = np.maximum(changes, 0).sum(axis=0), np.maximum(-changes, 0).sum(axis=0)
    return float(
        sum(
            pool.slot_cost * running[n] + pool.start_cost * started[n] + pool.stop_cost * stopped[n]
            for n, pool in enumerate(pools)
        )
    )


def _states(pools: Sequence[BoundedPool]) -> NDArray[np.int64]:
    """Return the replicas of each pool in each state: `pools x (states of the first pool) x (of the second) x …`."""
    ranges = [np.arange(pool.min_replicas, pool.max_replicas + 1) for pool in pools]
    return np.stack(np.meshgrid(*ranges, indexing="ij"))


def _runs(level: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the starts and lengths of the runs of slots that the same states carry.

    A plan need not change within a run: stops can move to its beginning, starts to its end, and a change from one pool
    to another is cheapest at one of the two.
    """
    first = np.flatnonzero(np.diff(level, prepend=level[0] - 1))
    return first, np.diff(first, append=len(level))


def _cost_to_each_state(
    required: Values, *, lengths: NDArray[np.intp], capacity: Values, running: Values, pools: Sequence[BoundedPool]
) -> Values:
    """Return the least cost up to the end of each run in each state; infinite where a state carries too little."""
    costs = np.empty((len(required), *capacity.shape))
    reached = np.zeros(capacity.shape)
    for run, length in enumerate(lengths):
        reached = np.where(capacity >= required[run], reached + length * running, np.inf)
        costs[run] = reached
        for axis, pool in enumerate(pools):
            reached = _after_one_pool_moves(reached, axis=axis, pool=pool)
    return costs


def _after_one_pool_moves(costs: Values, *, axis: int, pool: BoundedPool) -> Values:
    """Return the least cost of each state after replicas of one pool stopped or started.

    Moves of different pools are priced separately, so pools move one after the other. With the price of a move as a
    slope, the running minimum from below covers every way to start, that from above every way to stop.
    """
    shape = [1] * costs.ndim
    shape[axis] = -1
    count = np.arange(costs.shape[axis]).reshape(shape)
    rising, falling = count * pool.start_cost, count * pool.stop_cost
    started: Values = np.minimum.accumulate(costs - rising, axis=axis) + rising
    stopped: Values = np.flip(np.minimum.accumulate(np.flip(costs + falling, axis), axis=axis), axis) - falling
    return np.minimum(stopped, started)


def _cheapest_path(costs: Values, *, pools: Sequence[BoundedPool]) -> NDArray[np.int64]:
    """Walk back from the cheapest last state; return the replicas of each run."""
    states = np.indices(costs.shape[1:])
    to_move = [
        np.stack([_price_of_move(pool, after - states[axis]) for after in range(costs.shape[axis + 1])])
        for axis, pool in enumerate(pools)
    ]
    path = np.empty((len(costs), len(pools)), dtype=np.int64)
    path[-1] = np.unravel_index(int(costs[-1].argmin()), costs.shape[1:])
    for run in range(len(costs) - 2, -1, -1):
        through = costs[run] + sum(prices[after] for prices, after in zip(to_move, path[run + 1], strict=True))
        path[run] = np.unravel_index(int(through.argmin()), costs.shape[1:])
    path += np.array([pool.min_replicas for pool in pools])
    return path


def _price_of_move(pool: BoundedPool, change: NDArray[np.int64]) -> Values:
    price: Values = pool.start_cost * np.maximum(change, 0) + pool.stop_cost * np.maximum(-change, 0)
    return price
