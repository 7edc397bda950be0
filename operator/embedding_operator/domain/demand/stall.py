"""Requests wait, replicas are Ready, and none has finished anything for a while: a request that stops engines.

More replicas do not help: the next one stops like the others. A service in that state does not grow past twice what was
Ready when it began, and shrinks no more than others do.
"""

from embedding_operator.domain.memory import RateStep
from embedding_operator.domain.observation import Load, Observation

STALLED_FACTOR = 2.0


def stall(load: Load, *, observation: Observation, last: RateStep | None) -> RateStep | None:
    """Return since when engines have stopped, and the capacity that was Ready then; None where they work."""
    ready = observation.ready_capacity
    stopped = load.served_tokens_per_second == 0.0 and load.queue_requests > 0 and load.reporting == load.expected
    if not stopped or ready <= 0:
        return None
    return RateStep(at=observation.now, capacity=ready) if last is None else last


def most_while_stalled(stalled: RateStep | None, *, required: float, current: float) -> float:
    """Return `required`, or what it may be at most while engines do nothing."""
    if stalled is None:
        return required
    return min(required, max(current, STALLED_FACTOR * stalled.capacity))
