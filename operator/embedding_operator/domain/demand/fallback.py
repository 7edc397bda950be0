"""What to hold where nothing could be measured for long: never less than runs.

Figures count as lost while something is Ready that could be measured. A service without a Ready replica has none to
lose: it is starting, or asleep.
"""

from datetime import datetime, timedelta

from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Observation

FALLBACK_SECONDS = 300.0


def blind_since(observation: Observation, *, memory: ScalingMemory) -> datetime | None:
    """Return since when nothing can be measured, if that is so now."""
    if not any(pool.ready for pool in observation.pools):
        return None
    since = memory.blind_since
    return since if since is not None and since <= observation.now else observation.now


def fallback_replicas(observation: Observation, *, since: datetime | None) -> int | None:
    """Return how many replicas of the preferred pool there are to be, None where figures decide or none are stated."""
    if since is None or observation.now - since < timedelta(seconds=FALLBACK_SECONDS):
        return None
    return observation.policy.fallback_replicas
