from dataclasses import dataclass

HOURS = 24
HOUR_SECONDS = 3600.0
DAY_SECONDS = HOURS * HOUR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyPlan:
    """Replicas by the hour of the day, started `ahead_seconds` before each hour and kept to its end.

    Hours count from the beginning of the trace, which need not be midnight: the plan is fitted to the same count.
    """

    replicas_by_hour: tuple[int, ...]
    ahead_seconds: float = 0.0

    def __post_init__(self) -> None:
        if len(self.replicas_by_hour) != HOURS:
            problem = f"replicas_by_hour: a day has {HOURS} hours, not {len(self.replicas_by_hour)}"
            raise ValueError(problem)
        if not 0 <= self.ahead_seconds <= HOUR_SECONDS:
            problem = f"ahead_seconds: {self.ahead_seconds:g} is not between 0 and one hour"
            raise ValueError(problem)

    def replicas_at(self, now: float) -> int:
        """Return the replicas planned for `now` seconds into the trace."""
        return max(self._planned(now), self._planned(now + self.ahead_seconds))

    def _planned(self, at: float) -> int:
        return self.replicas_by_hour[int(at % DAY_SECONDS // HOUR_SECONDS)]
