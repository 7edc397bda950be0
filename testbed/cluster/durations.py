"""How long steps take on this machine: measured for steps that ran before, scaled defaults for others.

    usual(step) = its last time here, else its default x scale
    scale       = (PRIOR + times of the steps measured here) / (PRIOR + their defaults)

So long steps determine the scale, and a single short step hardly changes it. Defaults are for two idle cores, an empty
Go build cache and a fast network.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from .paths import cache_root

PRIOR_SECONDS = 120.0
"""The assumption that this machine is as fast as the reference weighs as much as steps of this total length."""


class Durations:
    """The times of steps, kept in a file; without a file, only in memory."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._measured = _read(file)

    @classmethod
    def of_this_machine(cls) -> Durations:
        """Return the times in the cache."""
        return cls(cache_root() / "durations.json")

    def usual(self, title: str, *, default: float) -> float:
        """Return the seconds that the step should take here; `default` is the time on the reference machine."""
        with self._lock:
            measured = self._measured.get(title)
            return measured["seconds"] if measured else default * self._scale()

    def record(self, title: str, *, default: float, seconds: float) -> None:
        """Remember that the step took `seconds`."""
        with self._lock:
            self._measured[title] = {"default": default, "seconds": round(seconds, 1)}
            self._write()

    def _scale(self) -> float:
        here = sum(each["seconds"] for each in self._measured.values())
        reference = sum(each["default"] for each in self._measured.values())
        return (PRIOR_SECONDS + here) / (PRIOR_SECONDS + reference)

    def _write(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(f".unfinished-{os.getpid()}")
        unfinished.write_text(json.dumps(self._measured, indent=1, sort_keys=True))
        unfinished.replace(self._file)


def _read(file: Path | None) -> dict[str, dict[str, float]]:
    if file is None:
        return {}
    try:
        return {
            str(title): {"default": float(each["default"]), "seconds": float(each["seconds"])}
            for title, each in json.loads(file.read_text()).items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # estimates only: a missing or broken file is rewritten
