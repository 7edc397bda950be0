"""The knee of an engine: the requests in flight beyond which its throughput no longer grows.

At any load, a sample of requests in flight and tokens per second lies on the engine's curve: few requests give it
little to compute, many give it no more than it can do. The curve is kept at powers of two.

    knee = the fewest requests in flight with 90 % of the highest tokens per second

The knee is known only if more requests in flight were seen to give no more throughput. If the curve still rises at its
end, the knee is at least there, so the gateway may send the engine more, until the curve is flat. A known knee moves
only when its point falls clearly below the best, or a point with fewer requests comes close to the best.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.memory import LoadPoint
from embedding_operator.domain.observation import WorkSample

LEAST_SAMPLES = 5
MOST_SAMPLES = 20
MOST_IN_FLIGHT = 512
STEADY = 0.5

FLAT = 0.9
LOST = 0.85
CLOSE = 0.95

LEAST_KNEE = 4
UNLEARNED_LIMIT = 32
"""Requests that each gateway pod sends to one engine at once while its knee is unknown."""

LIMIT_PER_KNEE = 2
"""Each gateway pod sends an engine this multiple of its knee: one pod alone keeps it busy and reveals a higher knee."""


def learned_curve(curve: tuple[LoadPoint, ...], work: Iterable[WorkSample]) -> tuple[LoadPoint, ...]:
    """Return `curve` updated with `work`, by requests in flight; the same object if nothing is learned."""
    told = [each for each in work if _is_telling(each)]
    if not told:
        return curve
    points = {point.in_flight: point for point in curve}
    for each in told:
        in_flight = min(MOST_IN_FLIGHT, 2 ** round(math.log2(each.in_flight)))
        points[in_flight] = _seen(points.get(in_flight), in_flight=in_flight, rate=each.tokens_per_second)
    return tuple([points[in_flight] for in_flight in sorted(points)])


def learned_knee(curve: tuple[LoadPoint, ...], *, knee: int | None) -> int | None:
    """Return the knee of `curve`; `knee` is the current one."""
    rates = {point.in_flight: point.tokens_per_second for point in curve if point.samples >= LEAST_SAMPLES}
    best = max(rates.values(), default=0.0)
    if best <= 0.0:
        return knee
    found = min([in_flight for in_flight, rate in rates.items() if rate >= FLAT * best])
    if found >= max(rates):
        # The curve ends before it is flat: nothing beyond it has been tried.
        return found if found > (knee or UNLEARNED_LIMIT - 1) else knee
    found = max(LEAST_KNEE, found)
    return found if knee is None or _moved(knee, found=found, rates=rates, best=best) else knee


def connection_limit(knees: Sequence[int | None]) -> int | None:
    """Return how many requests each gateway pod may send to one engine, or None if no knee is known.

    All engines of a service share one limit, that of the pool with the highest knee, so that no engine is held back.
    """
    if not any(knees):
        return None
    return max([UNLEARNED_LIMIT if knee is None else LIMIT_PER_KNEE * knee for knee in knees])


def _is_telling(work: WorkSample) -> bool:
    """Return whether the number of requests in flight was roughly constant during `work`."""
    steady = work.least_in_flight >= STEADY * work.in_flight
    return work.in_flight >= 1 and is_possible(work.in_flight) and steady and is_possible(work.tokens_per_second)


def _seen(point: LoadPoint | None, *, in_flight: int, rate: float) -> LoadPoint:
    if point is None:
        return LoadPoint(in_flight=in_flight, tokens_per_second=round(rate, 1), samples=1)
    samples = min(MOST_SAMPLES, point.samples + 1)
    moved = point.tokens_per_second + (rate - point.tokens_per_second) / samples
    return LoadPoint(in_flight=in_flight, tokens_per_second=round(moved, 1), samples=samples)


def _moved(knee: int, *, found: int, rates: Mapping[int, float], best: float) -> bool:
    if found > knee:
        return rates.get(knee, 0.0) < LOST * best
    return found < knee and rates.get(found, best) >= CLOSE * best
