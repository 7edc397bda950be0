"""The values that an engine reports at one moment, its own or scripted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Values of one engine.

    `in_flight`, `received` and `answered` count HTTP calls per (endpoint, method[, status]). `gauge_*` are texts as of
    the end of the last batch, `live_*` as of now. `startup_seconds` is by phase.
    """

    in_flight: Mapping[tuple[str, str], int]
    received: Mapping[tuple[str, str], int]
    answered: Mapping[tuple[str, str, int], int]
    gauge_running: int
    gauge_waiting: int
    live_running: int
    live_running_tokens: int
    live_waiting: int
    live_waiting_tokens: int
    prompt_tokens: float
    texts: int
    aborted: int
    batches: int
    busy_microseconds: int
    idle_seconds: float
    startup_seconds: Mapping[str, float]
