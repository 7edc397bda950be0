"""Whether one replica has far more requests than the others: that is for the balancer to solve, not for scaling."""

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.observation import Observation
from embedding_operator.domain.trace import Trace

SKEWED_FACTOR = 4.0
FEW_REQUESTS = 8.0


def report_skew(observation: Observation, *, trace: Trace) -> None:
    """Say which Ready replica has more than four times the mean in flight, if one has."""
    ready = [pod for pool in observation.pools for pod in pool.ready]
    total = sum(pod.in_flight for pod in ready)
    if total <= FEW_REQUESTS:
        return
    fullest = max(ready, key=lambda pod: (pod.in_flight, pod.name))
    mean = total / len(ready)
    if fullest.in_flight > FEW_REQUESTS and fullest.in_flight > SKEWED_FACTOR * mean:
        message = f"{fullest.name} has {fullest.in_flight:.0f} requests in flight, replicas have {mean:.1f} on average"
        trace.add(StepReason.LOAD_SKEWED, message, before=mean, after=fullest.in_flight)
