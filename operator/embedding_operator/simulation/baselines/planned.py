from collections.abc import Callable, Mapping

from embedding_operator.simulation.policy import View

CRON_SECONDS = 60.0
"""The finest resolution of cron."""


class Planned:
    """A policy by the clock alone: `plan` returns the replicas of each pool at a time, clamped to the pool's bounds."""

    def __init__(self, *, name: str, plan: Callable[[float], Mapping[str, int]], period: float = CRON_SECONDS) -> None:
        self.name = name
        self.period = period
        self._plan = plan

    def look(self, view: View) -> Mapping[str, int]:
        """Return what is planned for now."""
        planned = self._plan(view.now)
        return {
            pool.name: min(max(planned[pool.name], pool.min_replicas), pool.max_replicas)
            for pool in view.pools
            if pool.name in planned
        }
