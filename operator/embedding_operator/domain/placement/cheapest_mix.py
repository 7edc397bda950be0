"""The cheapest mix of pools that serves a requirement and is worth changing to.

Of all replica vectors within the bounds, it is the first when sorted by

    shortfall, Σ price * (n + max(0, n - held) * (startup + noise) / payback), Σ |n - held|,
    the fewest on the least preferred pools

A held replica costs its price. One that would have to start also costs its startup, spread over the half hour in which
it has to pay off: without this term the mix changes whenever the requirement moves by one unit. Prices and measured
speeds are not exact either, so a change must save a further 7.5 %: with starts of 15 s, a mix that followed the price
alone moved 15 times in two hours in which prices stayed within 3 %.

The search is exact. It tries the counts of all pools except the cheapest per token, which takes the rest, and prunes
every branch whose lower bound (the rest, at the best price per token of the remaining pools) is above the best mix so
far. Three pools of 50 replicas take at most 2,652 steps; `MAX_STEPS` bounds the search for many or large pools. The
first mix tried fills the cheapest pools first, so that a search that is cut short is never more expensive than that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PAYBACK_SECONDS = 1800
NOISE_SECONDS = 135
"""7.5 % of the payback. Prices that stay within 3 % differ by up to 6.2 %: with less, a mix could move and return."""

MAX_STEPS = 5000

# Capacities are measured values: 2.0000000001 replicas are two.
TOLERANCE = 1e-6

# Prices are decimals with at most six places. As whole millionths their sums are exact, so that equal mixes are equal.
MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The replicas that one pool may hold and holds, and the `price_per_hour` (above 0) of one replica."""

    pool: str
    min_replicas: int
    max_replicas: int
    tokens_per_second: float
    price_per_hour: float
    held: int
    startup_seconds: float

    @property
    def price_per_token(self) -> float:
        """Return the price per hour of one token per second."""
        return self.price_per_hour / self.tokens_per_second


def cheapest(required: float, *, offers: Sequence[Offer]) -> dict[str, int]:
    """Return replicas by pool that serve `required` tokens per second, as far as the bounds allow.

    `offers` are in order of preference.
    """
    everything = [offer.max_replicas for offer in offers]
    if len(offers) == 1:
        needed = math.ceil(required / offers[0].tokens_per_second - TOLERANCE)
        best = [min(max(offers[0].min_replicas, needed), offers[0].max_replicas)]
    elif required > sum(offer.max_replicas * offer.tokens_per_second for offer in offers) - TOLERANCE:
        best = everything
    else:
        best = _Search(offers, required=required).best
    return {offer.pool: count for offer, count in zip(offers, best, strict=True)}


def hourly_price(replicas: Mapping[str, int], *, offers: Sequence[Offer]) -> float:
    """Return the price per hour of `replicas` once all have started."""
    return sum(offer.price_per_hour * replicas[offer.pool] for offer in offers)


class _Search:
    """A search for the best counts; `best` is in the order of `offers`."""

    def __init__(self, offers: Sequence[Offer], *, required: float) -> None:
        self._order = sorted(range(len(offers)), key=lambda position: (-offers[position].price_per_token, position))
        self._pools = [offers[position] for position in self._order]
        self._costs = [_costs(offer, required=required) for offer in self._pools]
        self._below = self._lower_bounds()
        self._steps = 0
        self._least_cost = math.inf
        self._tie: tuple[int, tuple[int, ...]] = (0, ())
        self.best = [offer.max_replicas for offer in offers]
        self._descend(0, rest=required, cost=0, counts=[])

    def _lower_bounds(self) -> list[tuple[float, int, float, float]]:
        """Return, by depth, for the pools from there on: most capacity, least cost, best rate, least capacity."""
        bounds = [(0.0, 0, math.inf, 0.0)]
        for offer, costs in zip(reversed(self._pools), reversed(self._costs), strict=True):
            capacity, least, rate, served = bounds[-1]
            speed = offer.tokens_per_second
            bounds.append(
                (
                    capacity + offer.max_replicas * speed,
                    least + costs[0],
                    min(rate, _millionths(offer) * PAYBACK_SECONDS / speed),
                    served + offer.min_replicas * speed,
                )
            )
        return bounds[::-1]

    def _descend(self, depth: int, *, rest: float, cost: int, counts: list[int]) -> None:
        """Try every count of the pool at `depth`; `rest` is what it and the pools after it have to serve."""
        if depth + 2 >= len(self._pools):
            self._close(rest=rest, cost=cost, counts=counts)
            return
        offer, costs = self._pools[depth], self._costs[depth]
        low, speed = offer.min_replicas, offer.tokens_per_second
        capacity, least, rate, served = self._below[depth + 1]
        first = max(low, math.ceil((rest - capacity) / speed - TOLERANCE))
        for count in range(first, low + len(costs)):
            left = rest - count * speed
            total = cost + costs[count - low]
            bound = total + least + max(0.0, left - served) * rate
            if self._steps < MAX_STEPS and bound * (1 - TOLERANCE) <= self._least_cost:
                self._descend(depth + 1, rest=left, cost=total, counts=[*counts, count])

    def _close(self, *, rest: float, cost: int, counts: list[int]) -> None:
        """Try every count of the second-to-last pool; the last pool serves the rest, as more would only cost more."""
        offer, costs = self._pools[-2], self._costs[-2]
        last, last_costs = self._pools[-1], self._costs[-1]
        low, speed = offer.min_replicas, offer.tokens_per_second
        last_low, last_high, last_speed = last.min_replicas, last.max_replicas, last.tokens_per_second
        self._steps += len(costs)
        for count in range(low, low + len(costs)):
            final = max(last_low, math.ceil((rest - count * speed) / last_speed - TOLERANCE))
            if final <= last_high:
                total = cost + costs[count - low] + last_costs[final - last_low]
                if total <= self._least_cost:
                    self._consider(total, [*counts, count, final])

    def _consider(self, cost: int, counts: list[int]) -> None:
        by_preference = [0] * len(counts)
        for position, count in zip(self._order, counts, strict=True):
            by_preference[position] = count
        moved = sum(abs(count - offer.held) for count, offer in zip(counts, self._pools, strict=True))
        tie = (moved, tuple(reversed(by_preference)))
        if cost < self._least_cost or tie < self._tie:
            self._least_cost, self._tie, self.best = cost, tie, by_preference


def _costs(offer: Offer, *, required: float) -> list[int]:
    """Return the cost of every useful count, from `min_replicas` on, in millionths of price * seconds."""
    useful = math.ceil(required / offer.tokens_per_second - TOLERANCE)
    last = max(offer.min_replicas, min(offer.max_replicas, useful))
    price, startup = _millionths(offer), round(offer.startup_seconds) + NOISE_SECONDS
    return [
        price * (PAYBACK_SECONDS * count + startup * max(0, count - offer.held))
        for count in range(offer.min_replicas, last + 1)
    ]


def _millionths(offer: Offer) -> int:
    return round(offer.price_per_hour * MILLIONTHS)
