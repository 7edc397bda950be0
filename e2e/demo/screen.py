"""What the demo shows while it watches a service: one table, redrawn each second, or a line each where nobody draws."""

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
    """Show the status that `look` returns until `until` holds; the last status, also when the time is over."""
    deadline = time.monotonic() + seconds
    status = look()
    printed = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not until(status) and time.monotonic() < deadline:
            if console.is_terminal:
                live.update(Group(Text(title, style="bold"), table(status)), refresh=True)
            elif time.monotonic() - printed >= LINE_SECONDS:
                printed = time.monotonic()
                console.print(f"  {line(status)}")
            time.sleep(REFRESH_SECONDS)
            status = look()
    console.print(f"  {line(status)}")
    return status


def table(status: Mapping[str, Any]) -> Table:
    """The pools of a service with what they hold, and why."""
    shown = Table(show_edge=False, pad_edge=False)
    for heading in ("pool", "ready", "wanted", "starting", "ready pods"):
        shown.add_column(heading)
    for pool in status.get("pools", []):
        bar = "█" * pool["ready"] + "░" * max(0, pool["desired"] - pool["ready"])
        shown.add_row(pool["gpuPool"], str(pool["ready"]), str(pool["desired"]), str(pool["starting"]), bar)
    shown.caption = line(status)
    shown.caption_justify = "left"
    return shown


def line(status: Mapping[str, Any]) -> str:
    """One line: window, replicas, queue, and the step that decided."""
    decision, schedule = status.get("decision", {}), status.get("schedule", {})
    pools = ", ".join(f"{pool['gpuPool']} {pool['ready']}/{pool['desired']}" for pool in status.get("pools", []))
    steps = decision.get("steps", [])
    reason = steps[-1]["message"] if steps else "nothing decided yet"
    queue = decision.get("queueRequests")
    waiting = "unknown" if queue is None else f"{queue:.0f}"
    return f"window {schedule.get('window') or 'none'} | {pools or 'no pools'} | {waiting} requests wait | {reason}"
