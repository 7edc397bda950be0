"""The replicas that external queues require.

    replicas = max over triggers of ceil(value / threshold), of those whose value is above their activationThreshold

A trigger without a usable or recent value requires nothing and counts as missing: a running service then neither
shrinks nor scales to zero, and one at zero stays there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.observation import TriggerReading

MAX_READING_AGE_SECONDS = 45.0
"""Three usual scrape intervals. Every tick queries a new reading, so an old one means that queries go unanswered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDemand:
    """The replicas that triggers require together, the trigger that requires most, and missing triggers."""

    replicas: int = 0
    strongest: TriggerReading | None = None
    missing: tuple[TriggerReading, ...] = ()


NOTHING = TriggerDemand()


def asked_for(readings: Sequence[TriggerReading], *, now: datetime) -> TriggerDemand:
    """Return what `readings` require; unusable ones are returned as missing, with their problem."""
    if not readings:
        return NOTHING
    checked = [usable(reading, now=now) for reading in readings]
    strongest = max((each for each in checked if _is_active(each)), key=_replicas, default=None)
    return TriggerDemand(
        replicas=0 if strongest is None else _replicas(strongest),
        strongest=strongest,
        missing=tuple(each for each in checked if each.value is None),
    )


def sentence(asked: TriggerDemand) -> str:
    """Return a sentence that says what the strongest trigger requires."""
    if asked.strongest is None or asked.strongest.value is None:
        return "no trigger requires replicas"
    reading = asked.strongest
    noun = "replica" if asked.replicas == 1 else "replicas"
    return f"trigger {reading.name} is at {reading.value:g}, which requires {asked.replicas} {noun}"


def gap(missing: Sequence[TriggerReading]) -> str:
    """Return a text that says which triggers are missing, and why."""
    return "; ".join(f"trigger {each.name}: {each.problem}" for each in missing)


def _is_active(reading: TriggerReading) -> bool:
    return reading.value is not None and reading.value > reading.activation_threshold


def _replicas(reading: TriggerReading) -> int:
    return math.ceil((reading.value or 0.0) / reading.threshold)


def usable(reading: TriggerReading, *, now: datetime) -> TriggerReading:
    """Return the reading; if its value is unusable, without the value and with the problem."""
    if reading.value is None or reading.taken_at is None:
        return replace(reading, value=None, problem=reading.problem or "no answer yet")
    if not is_possible(reading.value):
        return replace(reading, value=None, problem=f"{reading.value:g} is not a valid queue length")
    if abs((now - reading.taken_at).total_seconds()) > MAX_READING_AGE_SECONDS:
        return replace(reading, value=None, problem=f"no answer for more than {MAX_READING_AGE_SECONDS:.0f} s")
    return reading
