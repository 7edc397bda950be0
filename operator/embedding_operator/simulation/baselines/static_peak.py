from embedding_operator.simulation.baselines.planned import Planned
from embedding_operator.simulation.baselines.training import TrainingWeek, replicas_for

PERCENTILE, UTILIZATION = 99.9, 0.8
"""The busiest minutes but one in a thousand, with a fifth to spare: what one buys who never scales."""


def static_peak(week: TrainingWeek, *, percentile: float = PERCENTILE, utilization: float = UTILIZATION) -> Planned:
    """Return the policy that keeps for good what last week's peak needed."""
    replicas = {week.pool: replicas_for(week.peak(percentile=percentile), utilization=utilization)}
    return Planned(name="Static peak", plan=lambda _: replicas)
