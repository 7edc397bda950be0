"""The bounds of one setup: a clairvoyant's, and that of a forecast of one startup time and five minutes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.clairvoyant import BoundedPool, cheapest_plan
from embedding_operator.simulation.clairvoyant_lead import replicas_needed, replicas_with_foresight
from embedding_operator.simulation.clairvoyant_policy import PlayedPlan
from embedding_operator.simulation.clairvoyant_work import SLOT_SECONDS, SimWork, Stretch
from embedding_operator.simulation.simulation import Setup

HOUR_SECONDS = 3600.0
LEAST_LOAD = 1e-6
"""A service keeps one replica on some pool even without requests, and so does its bound."""

SLOWEST_START_SIGMAS = 2.0
"""A simulated plan orders early enough for 98 % of the starts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """The cost at the prices it was found for, by node hours, and the replicas of each stretch and slot.

    In `overloaded_hours`, not even the maximum number of replicas is enough.
    """

    cost: float
    node_hours: Mapping[str, float]
    replicas: tuple[NDArray[np.int64], ...]
    overloaded_hours: float


def clairvoyant(work: SimWork, *, setup: Setup, prices: Mapping[str, float]) -> Bound:
    """Return the lowest cost that any policy could reach; `prices` are those of a node-hour by pool.

    Nothing is carried over from one stretch to the next, so that gaps are free for the bound too.
    """
    pools = _pools(work, setup=setup, prices=prices)
    plans = [cheapest_plan(np.maximum(stretch.load, LEAST_LOAD), pools=pools) for stretch in work.stretches]
    overloaded = sum(plan.overloaded_slots for plan in plans) * SLOT_SECONDS / HOUR_SECONDS
    return _bound([plan.replicas for plan in plans], setup=setup, prices=prices, overloaded_hours=overloaded)


def perfect_forecast(work: SimWork, *, setup: Setup, prices: Mapping[str, float]) -> Bound:
    """Return the cost of scaling the first pool alone, with the load of one start and five minutes ahead known."""
    first = setup.pools[0]
    most = min(first.max_replicas, first.stock)

    def plan(stretch: Stretch) -> NDArray[np.int64]:
        least = max(1, first.min_replicas)
        needed = replicas_needed(stretch.load, capacity=1.0, min_replicas=least, max_replicas=most)
        return replicas_with_foresight(needed, slot_seconds=SLOT_SECONDS, startup_seconds=_start_seconds(setup))

    overloaded = sum(int(np.count_nonzero(stretch.load > most)) for stretch in work.stretches)
    plans = [np.pad(plan(stretch).reshape(-1, 1), ((0, 0), (0, len(setup.pools) - 1))) for stretch in work.stretches]
    return _bound(plans, setup=setup, prices=prices, overloaded_hours=overloaded * SLOT_SECONDS / HOUR_SECONDS)


def played(bound: Bound, *, name: str, work: SimWork, setup: Setup) -> PlayedPlan:
    """Return the bound's plan as a policy, to measure its lateness; across a gap, the replicas before it stay."""
    begin = work.stretches[0].begin
    slots = [round((stretch.begin - begin) / SLOT_SECONDS) for stretch in work.stretches]
    whole = np.zeros((slots[-1] + len(bound.replicas[-1]), len(setup.pools)), dtype=np.int64)
    for first, replicas in zip(slots, bound.replicas, strict=True):
        whole[first:] = replicas[-1]
        whole[first : first + len(replicas)] = replicas
    return PlayedPlan(
        name=name,
        pools=[pool.name for pool in setup.pools],
        replicas=whole,
        begin=begin,
        slot_seconds=SLOT_SECONDS,
        startup_seconds=setup.start.median * math.exp(SLOWEST_START_SIGMAS * setup.start.sigma),
    )


def _pools(work: SimWork, *, setup: Setup, prices: Mapping[str, float]) -> list[BoundedPool]:
    return [
        BoundedPool(
            name=pool.name,
            capacity=capacity,
            min_replicas=pool.min_replicas,
            max_replicas=min(pool.max_replicas, pool.stock),
            slot_cost=prices[pool.name] * SLOT_SECONDS / HOUR_SECONDS,
            start_cost=prices[pool.name] * _start_seconds(setup) / HOUR_SECONDS,
            stop_cost=prices[pool.name] * setup.nodes.linger_seconds / HOUR_SECONDS,
        )
        for pool, capacity in zip(setup.pools, work.capacities, strict=True)
    ]


def _bound(
    plans: Sequence[NDArray[np.int64]], *, setup: Setup, prices: Mapping[str, float], overloaded_hours: float
) -> Bound:
    served = _total(plans, lambda replicas: replicas.sum(axis=0)) * SLOT_SECONDS
    started = _total(plans, lambda replicas: np.maximum(np.diff(replicas, axis=0), 0).sum(axis=0))
    stopped = _total(plans, lambda replicas: np.maximum(-np.diff(replicas, axis=0), 0).sum(axis=0))
    hours = (served + started * _start_seconds(setup) + stopped * setup.nodes.linger_seconds) / HOUR_SECONDS
    node_hours = {pool.name: float(hours[index]) for index, pool in enumerate(setup.pools)}
    return Bound(
        cost=sum(prices[name] * hours for name, hours in node_hours.items()),
        node_hours=node_hours,
        replicas=tuple(plans),
        overloaded_hours=overloaded_hours,
    )


def _total(
    plans: Sequence[NDArray[np.int64]], count: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.sum([count(replicas) for replicas in plans], axis=0, dtype=np.int64)
    return total


def _start_seconds(setup: Setup) -> float:
    """Return the mean startup time, for which its node is billed: the mean of a lognormal lies above its median."""
    return setup.start.median * math.exp(setup.start.sigma**2 / 2)
