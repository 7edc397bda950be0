"""What is going on, for people: a live line on a terminal, plain lines elsewhere, and a sign of life every 15 seconds.

Everything goes to standard error, so that standard output stays what a command prints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status

HEARTBEAT_SECONDS = 15.0
REDRAW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """Work under way: its title, when it started (monotonic seconds) and how long it usually takes."""

    title: str
    started: float
    expected_seconds: float | None


class Progress:
    """Reports nested steps as they start, live and end."""

    def __init__(self, *, console: Console | None = None, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._heartbeat_seconds = heartbeat_seconds
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._last_line_at = time.monotonic()

    @contextmanager
    def step(self, title: str, *, expected_seconds: float | None = None) -> Iterator[None]:
        """Report `title` from its start to its end or failure, with the time it took."""
        step = Step(title, time.monotonic(), expected_seconds)
        outermost = self._push(step)
        self.note(opening_line(step))
        finished = threading.Event()
        if outermost:
            ticker = threading.Thread(target=self._tick, args=(finished,), daemon=True)
            ticker.start()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            with self._lock:
                self._steps.remove(step)
            if outermost:
                finished.set()
                ticker.join()
            self.note(f"{title}: {outcome} after {duration(time.monotonic() - step.started)}")

    def note(self, text: str) -> None:
        """Print one line."""
        self._last_line_at = time.monotonic()
        self._console.print(text, markup=False)

    def _push(self, step: Step) -> bool:
        with self._lock:
            self._steps.append(step)
            return len(self._steps) == 1

    def _current_line(self) -> str | None:
        with self._lock:
            if not self._steps:
                return None
            innermost = self._steps[-1]
        return alive_line(innermost, now=time.monotonic())

    def _tick(self, finished: threading.Event) -> None:
        if self._console.is_terminal:
            with self._console.status("") as status:
                self._redraw(status, finished)
            return
        while not finished.wait(max(self._silence_left(), 0.01)):
            line = self._current_line()
            if line is not None and self._silence_left() <= 0:
                self.note(line)

    def _silence_left(self) -> float:
        return self._last_line_at + self._heartbeat_seconds - time.monotonic()

    def _redraw(self, status: Status, finished: threading.Event) -> None:
        while not finished.wait(REDRAW_SECONDS):
            line = self._current_line()
            if line is not None:
                status.update(line)


def opening_line(step: Step) -> str:
    """First line of a step: its title and, if known, how long it usually takes."""
    usual = f" (usually {duration(step.expected_seconds)})" if step.expected_seconds is not None else ""
    return f"{step.title}{usual}"


def alive_line(step: Step, *, now: float) -> str:
    """Line that shows that a step is still under way and how far it is."""
    usual = f" of usually {duration(step.expected_seconds)}" if step.expected_seconds is not None else ""
    return f"… {step.title}: {duration(now - step.started)}{usual}"


def duration(seconds: float) -> str:
    """Seconds as people say them: `3.2 s`, `45 s`, `4 min 5 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s"
