"""The demo's view of a service: a table that is redrawn each second, or single lines without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

REFRESH_SECONDS = 1.0
LINE_SECONDS = 10.0


def watch(
    console: Console,
    *,
    title: str,
    look: Callable[[], Mapping[str, Any]],
    until: Callable[[Mapping[str, Any]], bool],
    seconds: float,
) -> Mapping[str, Any]:
    """Show the status that `look` returns until `until` holds or the time is over; return the last status."""
    started = time.monotonic()
    deadline = started + seconds
    status = look()
    printed, shown = 0.0, ""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not until(status) and time.monotonic() < deadline:
            if console.is_terminal:
                live.update(Group(Text(title, style="bold"), table(status)), refresh=True)
            elif pools(status) != shown or time.monotonic() - printed >= LINE_SECONDS:
                printed, shown = time.monotonic(), pools(status)
                console.print(f"  {printed - started:4.0f} s  {line(status)}")
            time.sleep(REFRESH_SECONDS)
            status = look()
    console.print(f"  {time.monotonic() - started:4.0f} s  {line(status)}")
    return status


def table(status: Mapping[str, Any]) -> Table:
    """Return a table of the service's pools, with the latest decision below."""
    shown = Table(show_edge=False, pad_edge=False)
    for heading in ("pool", "ready", "desired", "starting", "ready pods"):
        shown.add_column(heading)
    for pool in status.get("pools", []):
        bar = "█" * pool["ready"] + "░" * max(0, pool["desired"] - pool["ready"])
        shown.add_row(pool["gpuPool"], str(pool["ready"]), str(pool["desired"]), str(pool["starting"]), bar)
    shown.caption = line(status)
    shown.caption_justify = "left"
    return shown


def line(status: Mapping[str, Any]) -> str:
    """Return one line: window, replicas, queue, and the last step of the decision."""
    decision, window = status.get("decision", {}), (status.get("schedule") or {}).get("window")
    steps = decision.get("steps", [])
    reason = steps[-1]["message"] if steps else "no decision yet"
    waiting = decision.get("queueRequests")
    queue = "queue unknown" if waiting is None else f"queue {waiting:.0f}"
    return " | ".join([f"window {window}" if window else "no window", pools(status), queue, reason])


def pools(status: Mapping[str, Any]) -> str:
    """Return the ready and desired replicas of each pool."""
    counts = (f"{pool['gpuPool']} {pool['ready']}/{pool['desired']}" for pool in status.get("pools", []))
    return ", ".join(counts) or "no pools yet"
