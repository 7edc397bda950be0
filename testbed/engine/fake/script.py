"""Figures that a test dictates: a scripted engine reports them in place of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


class ScriptError(ValueError):
    """A script names a figure that does not exist or gives it no number."""


@dataclass(frozen=True, slots=True)
class Script:
    """What to report. The token counter grows by `tokens_per_second` from its value at the moment the script is set."""

    in_flight: int = 0
    waiting_requests: int = 0
    waiting_tokens: int = 0
    running_requests: int = 0
    prompt_tokens: float = 0.0
    tokens_per_second: float = 0.0
    requests: int = 0
    refused_requests: int = 0


@dataclass(frozen=True, slots=True)
class Playing:
    """A script and the moment from which its counter grows (monotonic seconds)."""

    script: Script
    since: float

    def prompt_tokens(self, *, now: float) -> float:
        """Value of the token counter now."""
        return self.script.prompt_tokens + self.script.tokens_per_second * (now - self.since)


def read_script(document: Mapping[str, object]) -> Script:
    """A script from JSON; raises `ScriptError` that names the figure and says which there are."""
    known = [field.name for field in dataclasses.fields(Script)]
    for name, value in document.items():
        if name not in known:
            message = f"{name!r} is not a figure; there are {', '.join(known)}"
            raise ScriptError(message)
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{name} must be a number, not {value!r}"
            raise ScriptError(message)
    return Script(**document)  # type: ignore[arg-type] # every name and value was just checked
