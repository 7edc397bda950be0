"""Values that a test sets: a scripted engine reports them instead of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


class ScriptError(ValueError):
    """A script names a value that does not exist, or sets one to something other than a number."""


@dataclass(frozen=True, slots=True)
class Script:
    """The values to report. The token counter grows by `tokens_per_second` from its value when the script is set."""

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
    """A script and the time from which its counter grows (monotonic seconds)."""

    script: Script
    since: float

    def prompt_tokens(self, *, now: float) -> float:
        """Return the value of the token counter now."""
        return self.script.prompt_tokens + self.script.tokens_per_second * (now - self.since)


def read_script(document: Mapping[str, object]) -> Script:
    """Return a script from JSON; raise a `ScriptError` that names the unknown value and all known ones."""
    known = [field.name for field in dataclasses.fields(Script)]
    for name, value in document.items():
        if name not in known:
            message = f"{name!r} is not a known value; known values: {', '.join(known)}"
            raise ScriptError(message)
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{name} must be a number, not {value!r}"
            raise ScriptError(message)
    return Script(**document)  # type: ignore[arg-type] # every name and value was just checked
