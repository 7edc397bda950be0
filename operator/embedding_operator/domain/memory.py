"""What one decision leaves for the next. It lives in `status.decision.memory`, so a restart loses nothing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The highest and lowest requirement, in tokens per second, over the half minute that begins `at`."""

    at: datetime
    highest: float
    lowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """Capacity (tokens per second) at the begin of a rate-limited step, and how much of it has left since."""

    at: datetime
    capacity: float
    removed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingMemory:
    """The state of scaling after the decision made `at`; `required` is in tokens per second."""

    at: datetime
    required: float
    buckets: tuple[Bucket, ...] = ()
    growth: RateStep | None = None
    removal: RateStep | None = None
