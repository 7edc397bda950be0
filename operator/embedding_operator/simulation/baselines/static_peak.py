from embedding_operator.simulation.baselines.planned import Planned
from embedding_operator.simulation.baselines.training import TrainingWeek, replicas_for

PERCENTILE, UTILIZATION = 99.9, 0.8
"""The 99.9th percentile of minutes, with 20 % headroom: the usual size of a fleet that never scales."""


def static_peak(week: TrainingWeek, *, percentile: float = PERCENTILE, utilization: float = UTILIZATION) -> Planned:
    """Return the policy that permanently keeps what last week's peak needed."""
    replicas = {week.pool: replicas_for(week.peak(percentile=percentile), utilization=utilization)}
    return Planned(name="Static peak", plan=lambda _: replicas)
