"""Detects a replica with far more requests than the others: a problem for the load balancer, not for scaling."""

import math

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.observation import Observation

SKEWED_FACTOR = 4.0
FEW_REQUESTS = 8.0


def skew(observation: Observation) -> tuple[Step, ...]:
    """Return a step naming a Ready replica with more than four times the mean of requests in flight, if any."""
    in_flight = [pod.in_flight for pool in observation.pools for pod in pool.ready]
    most = max(in_flight, default=0.0)
    if (
        most <= FEW_REQUESTS
        or not all(map(math.isfinite, in_flight))
        or most * len(in_flight) <= SKEWED_FACTOR * sum(in_flight)
    ):
        return ()
    ready = [pod for pool in observation.pools for pod in pool.ready]
    fullest = min((pod for pod in ready if pod.in_flight == most), key=lambda pod: pod.name)
    mean = sum(in_flight) / len(in_flight)
    message = f"{fullest.name} has {most:.0f} requests in flight; replicas have {mean:.1f} on average"
    return (step(StepReason.LOAD_SKEWED, message, before=mean, after=most),)
