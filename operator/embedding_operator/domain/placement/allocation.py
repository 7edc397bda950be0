"""Allocates the required capacity as replicas per pool.

`Ordered` starts every allowed pool at its minimum and adds what is missing to the pools in order of preference, each up
to its maximum. `Cheapest` uses the cheapest mix instead (`cheapest_mix`), and falls back to `Ordered` while the price
of any allowed pool is unknown.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.observation import Allowance, Pool, ScalingPolicy
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE, Offer, cheapest, hourly_price

LEAST_REQUIREMENT = 1.0
"""Tokens per second that one replica of any pool can serve."""


class Allocated(NamedTuple):
    """Replicas by pool, and the steps that led to them."""

    replicas: dict[str, int]
    steps: tuple[Step, ...] = ()


def allocate(
    required: float, *, allowances: Sequence[Allowance], tokens_per_second: Mapping[str, float]
) -> dict[str, int]:
    """Return replicas by pool that serve `required` tokens per second, as far as the bounds allow."""
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
    return sum([count * tokens_per_second[pool] for pool, count in replicas.items()])


def allocated(
    required: float, *, policy: ScalingPolicy, allowances: Sequence[Allowance], pools: Sequence[Pool]
) -> Allocated:
    """Return replicas by allowed pool according to `policy`; `pools` are the current pools."""
    speed = {pool.name: pool.tokens_per_second for pool in pools}
    ordered = allocate(required, allowances=allowances, tokens_per_second=speed)
    if policy.allocation is Allocation.ORDERED or not allowances:
        return Allocated(ordered)
    unpriced = _unpriced(allowances, pools=pools)
    if unpriced:
        message = f"GPUPool {', '.join(unpriced)} has no spec.pricePerHour: pools are filled in order until it has"
        return Allocated(ordered, (step(StepReason.PRICE_MISSING, message, before=0, after=0),))
    offers = _offers(allowances, pools=pools)
    mix = cheapest(required, offers=offers)
    before, after = (hourly_price(each, offers=offers) for each in (ordered, mix))
    named = ", ".join(f"{count} {pool}" for pool, count in mix.items() if count) or "no replica"
    message = f"{named} at {after:.2f} per hour; filling pools in order would cost {before:.2f}"
    return Allocated(mix, (step(StepReason.CHEAPEST_MIX, message, before=before, after=after),))


def pool_of_the_first(*, policy: ScalingPolicy, allowances: Sequence[Allowance], pools: Sequence[Pool]) -> str:
    """Return the allowed pool for the one replica that stays when nothing is required."""
    if policy.allocation is Allocation.ORDERED or _unpriced(allowances, pools=pools):
        return allowances[0].pool
    offers = _offers(allowances, pools=pools)
    # Of a very fast replica, one token per second is within the tolerance: no replica would do.
    least = max(LEAST_REQUIREMENT, 2 * TOLERANCE * max(offer.tokens_per_second for offer in offers))
    mix = cheapest(least, offers=offers)
    return next(pool for pool, count in mix.items() if count)


def order_of_removal(
    *, policy: ScalingPolicy, allowances: Sequence[Allowance], pools: Sequence[Pool]
) -> tuple[Pool, ...]:
    """Return the pools in the order in which replicas are removed: those that are not allowed first.

    Then from the least to the most preferred or, with `Cheapest`, from the highest to the lowest price per token.
    """
    if len(pools) == 1:
        return tuple(pools)
    rank = {allowance.pool: float(position) for position, allowance in enumerate(allowances)}
    if policy.allocation is Allocation.CHEAPEST and not _unpriced(allowances, pools=pools):
        rank = {offer.pool: offer.price_per_token for offer in _offers(allowances, pools=pools)}
    return tuple(sorted(pools, key=lambda pool: (-rank.get(pool.name, math.inf), pool.name)))


def _unpriced(allowances: Sequence[Allowance], *, pools: Sequence[Pool]) -> list[str]:
    prices = {pool.name: pool.price_per_hour for pool in pools}
    return [allowance.pool for allowance in allowances if prices.get(allowance.pool) is None]


def _offers(allowances: Sequence[Allowance], *, pools: Sequence[Pool]) -> list[Offer]:
    known = {pool.name: pool for pool in pools}
    return [
        Offer(
            pool=pool.name,
            min_replicas=allowance.min_replicas,
            max_replicas=allowance.max_replicas,
            tokens_per_second=pool.tokens_per_second,
            price_per_hour=pool.price_per_hour or 0.0,
            held=pool.replicas,
            startup_seconds=pool.startup_seconds,
        )
        for allowance, pool in ((each, known[each.pool]) for each in allowances)
    ]
