"""What external queues ask for.

    replicas = max over triggers of ceil(value / threshold), of those whose value is above their activationThreshold

A trigger without a usable value, or with an old one, asks for nothing and is missing: a service that runs then neither
shrinks nor goes to zero, and one at zero stays there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from embedding_operator.domain.observation import TriggerReading

MAX_READING_AGE_SECONDS = 45.0
"""Three of the usual scrapes. A reading is asked for anew at every tick, so an old one means that no answer comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDemand:
    """What triggers ask for together, which of them asks for most, and those that are missing."""

    replicas: int = 0
    strongest: TriggerReading | None = None
    missing: tuple[TriggerReading, ...] = ()


NOTHING = TriggerDemand()


def asked_for(readings: Sequence[TriggerReading], *, now: datetime) -> TriggerDemand:
    """Return what `readings` ask for; one that can not be used comes back among the missing, with its problem."""
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
    """Return in words what the strongest trigger asks for."""
    if asked.strongest is None or asked.strongest.value is None:
        return "no trigger asks for replicas"
    reading = asked.strongest
    noun = "replica" if asked.replicas == 1 else "replicas"
    return f"trigger {reading.name} is at {reading.value:g}, which asks for {asked.replicas} {noun}"


def gap(missing: Sequence[TriggerReading]) -> str:
    """Return in words which triggers are missing, and why."""
    return "; ".join(f"trigger {each.name}: {each.problem}" for each in missing)


def _is_active(reading: TriggerReading) -> bool:
    return reading.value is not None and reading.value > reading.activation_threshold


def _replicas(reading: TriggerReading) -> int:
    return math.ceil((reading.value or 0.0) / reading.threshold)


def usable(reading: TriggerReading, *, now: datetime) -> TriggerReading:
    """Return the reading; without its value, and with what is wrong, if that is not one to act on."""
    if reading.value is None or reading.taken_at is None:
        return replace(reading, value=None, problem=reading.problem or "no answer yet")
    if not math.isfinite(reading.value) or reading.value < 0:
        return replace(reading, value=None, problem=f"{reading.value:g} is not the length of a queue")
    if abs((now - reading.taken_at).total_seconds()) > MAX_READING_AGE_SECONDS:
        return replace(reading, value=None, problem=f"no answer for more than {MAX_READING_AGE_SECONDS:.0f} s")
    return reading
