from embedding_operator.simulation.baselines.planned import Planned
from embedding_operator.simulation.baselines.training import TrainingWeek

PERCENTILE, UTILIZATION = 99.0, 0.8
"""The 99th percentile of each hour's minutes, with the same 20 % headroom as the static peak."""


def hourly_cron(
    week: TrainingWeek,
    *,
    percentile: float = PERCENTILE,
    utilization: float = UTILIZATION,
    ahead_seconds: float = 0.0,
) -> Planned:
    """Return the policy of 24 CronJobs, fitted to last week. Replicas are ordered `ahead_seconds` before each hour."""
    plan = week.daily_plan(percentile=percentile, utilization=utilization, ahead_seconds=ahead_seconds)
    return Planned(name="Hourly cron", plan=lambda now: {week.pool: plan.replicas_at(now)})
