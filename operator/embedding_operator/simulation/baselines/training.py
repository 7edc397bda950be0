"""What may be learned from the week before: the load of each of its minutes, and nothing of the test week."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embedding_operator.simulation.baselines.daily_plan import DAY_SECONDS, HOUR_SECONDS, HOURS, DailyPlan

MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWeek:
    """The load by minute, as the number of replicas of `pool` that it keeps busy; NaN where nothing was recorded.

    The first minute is at the hour of the day at which the trace began. `tokens_per_second` is what one such replica
    computes.
    """

    pool: str
    tokens_per_second: float
    load_by_minute: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.load_by_minute) * MINUTE_SECONDS < DAY_SECONDS:
            problem = f"load_by_minute: a plan needs at least one day, not {len(self.load_by_minute)} min"
            raise ValueError(problem)

    def peak(self, *, percentile: float) -> float:
        """Return the load that `percentile` percent of the minutes do not exceed."""
        return _percentile([load for _, load in self._recorded()], percentile=percentile)

    def by_hour(self, *, percentile: float) -> tuple[float, ...]:
        """Return that load for each of the 24 hours of the day."""
        minutes: list[list[float]] = [[] for _ in range(HOURS)]
        for hour, load in self._recorded():
            minutes[hour].append(load)
        return tuple(_percentile(loads, percentile=percentile) for loads in minutes)

    def busiest_hours(self, length: int) -> int:
        """Return the hour of the day at which the busiest `length` consecutive hours begin."""
        total = [0.0] * HOURS
        for hour, load in self._recorded():
            total[hour] += load
        return max(range(HOURS), key=lambda first: sum(total[(first + hour) % HOURS] for hour in range(length)))

    def daily_plan(self, *, percentile: float, utilization: float, ahead_seconds: float = 0.0) -> DailyPlan:
        """Return the replicas that carry `percentile` of each hour at `utilization`."""
        loads = self.by_hour(percentile=percentile)
        return DailyPlan(
            replicas_by_hour=tuple(replicas_for(load, utilization=utilization) for load in loads),
            ahead_seconds=ahead_seconds,
        )

    def _recorded(self) -> Iterator[tuple[int, float]]:
        """Yield the hour of the day and the load of each minute that was recorded."""
        for minute, load in enumerate(self.load_by_minute):
            if not math.isnan(load):
                yield int(minute * MINUTE_SECONDS // HOUR_SECONDS) % HOURS, load


def replicas_for(load: float, *, utilization: float) -> int:
    """Return how many replicas carry `load` if each may be busy for a share of `utilization`."""
    return math.ceil(load / utilization)


def _percentile(loads: Sequence[float], *, percentile: float) -> float:
    """Return the nearest-rank percentile, a load that did occur; 0 if there is none."""
    if not loads:
        return 0.0
    rank = max(1, math.ceil(len(loads) * percentile / 100))
    return sorted(loads)[rank - 1]
