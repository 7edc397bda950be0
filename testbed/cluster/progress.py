"""Progress for users: one line per step and, on a terminal, a live line of the steps in progress.

    [ 3/14] building Kubernetes v1.36.4: 5 min 12 s (usually 6 min 5 s)

Nested steps are part of the outer step and have no line of their own. Everything goes to standard error, so that
standard output contains only the output of a command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status

from .durations import Durations

HEARTBEAT_SECONDS = 60.0
"""Without a terminal, the steps in progress are named after this long without any other line."""

REDRAW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """Work in progress: its title, start (monotonic seconds), usual duration and number."""

    title: str
    started: float
    usual_seconds: float | None = None
    number: str = ""


class Progress:
    """Reports the progress and the end of steps; steps may run in several threads."""

    def __init__(
        self,
        *,
        console: Console | None = None,
        durations: Durations | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.durations = durations or Durations.of_this_machine()
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._heartbeat_seconds = heartbeat_seconds
        self._running: list[Step] = []
        self._inside = threading.local()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._last_line_at = time.monotonic()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    @contextmanager
    def step(self, title: str, *, usual_seconds: float | None = None, number: str = "") -> Iterator[None]:
        """Report `title` when it ends or fails, with its duration; `usual_seconds` is for the reference machine."""
        if getattr(self._inside, "step", False):
            yield
            return
        usual = None if usual_seconds is None else self.durations.usual(title, default=usual_seconds)
        step = Step(title, time.monotonic(), usual, number)
        self._inside.step = True
        self._begin(step)
        outcome = "failed after "
        try:
            yield
            outcome = ""
            if usual_seconds is not None:
                self.durations.record(title, default=usual_seconds, seconds=time.monotonic() - step.started)
        finally:
            self._inside.step = False
            self._end(step)
            self.note(closing_line(step, outcome=outcome, now=time.monotonic()))

    def note(self, text: str) -> None:
        """Print one line."""
        self._last_line_at = time.monotonic()
        self._console.print(text, markup=False)

    def _begin(self, step: Step) -> None:
        with self._turn:
            with self._lock:
                self._running.append(step)
                alone = len(self._running) == 1
            if alone:
                self._last_line_at = max(self._last_line_at, step.started)
                self._stop = threading.Event()
                self._ticker = threading.Thread(target=self._tick, args=(self._stop,), daemon=True)
                self._ticker.start()

    def _end(self, step: Step) -> None:
        # A terminal shows one live line: the old one must be removed before a new one begins.
        with self._turn:
            with self._lock:
                self._running.remove(step)
                idle = not self._running
            if idle and self._ticker is not None:
                self._stop.set()
                self._ticker.join()
                self._ticker = None

    def _line(self) -> str | None:
        with self._lock:
            running = tuple(self._running)
        return alive_line(running, now=time.monotonic()) if running else None

    def _tick(self, stop: threading.Event) -> None:
        if self._console.is_terminal:
            with self._console.status("") as status:
                self._redraw(status, stop)
            return
        while not stop.wait(max(self._silence_left(), 0.01)):
            line = self._line()
            if line is not None and self._silence_left() <= 0:
                self.note(line)

    def _silence_left(self) -> float:
        return self._last_line_at + self._heartbeat_seconds - time.monotonic()

    def _redraw(self, status: Status, stop: threading.Event) -> None:
        while not stop.wait(REDRAW_SECONDS):
            line = self._line()
            if line is not None:
                status.update(line)


def closing_line(step: Step, *, outcome: str, now: float) -> str:
    """Return the line of a finished step: its number, its title, its duration and its usual duration."""
    usual = "" if step.usual_seconds is None else f" (usually {duration(step.usual_seconds)})"
    return f"{step.number}{step.title}: {outcome}{duration(now - step.started)}{usual}"


def alive_line(running: tuple[Step, ...], *, now: float) -> str:
    """Return the line that names the steps in progress and how far each is."""
    return "… " + ", ".join(_so_far(step, now=now) for step in running)


def _so_far(step: Step, *, now: float) -> str:
    elapsed = now - step.started
    if step.usual_seconds is None:
        return f"{step.title} ({duration(elapsed)})"
    if elapsed <= step.usual_seconds:
        return f"{step.title} ({duration(elapsed)} of about {duration(step.usual_seconds)})"
    return f"{step.title} ({duration(elapsed)}, longer than the usual {duration(step.usual_seconds)})"


def duration(seconds: float) -> str:
    """Return seconds in readable form: `3.2 s`, `45 s`, `4 min 5 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s"
