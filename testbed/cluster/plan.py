"""Everything that a command needs, built before it starts: announced first, in parallel where cores allow.

A missing item is built once all items that it depends on exist. Items are started in order, so a list begins with the
long ones.
"""

from __future__ import annotations

import heapq
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import PrerequisiteError
from .paths import cache_root
from .progress import Progress, duration

MOST_WORKERS = 5
"""Maximum number of compilers and linkers in parallel; more would need more memory than a laptop has."""

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to build: seconds on the reference machine, GB of disk, how to build it, how to check that it exists.

    `after` names the items that it depends on; those that are not in the plan exist already. An item that is not kept
    is built each time.
    """

    title: str
    seconds: float
    gigabytes: float
    make: Callable[[], object]
    is_there: Callable[[], bool] = lambda: False
    after: tuple[str, ...] = ()


def prepare(items: Sequence[Item], *, progress: Progress, workers: int | None = None) -> None:
    """Build the missing items; raise the first error of any of them, or `PrerequisiteError` if the disk is full."""
    missing = missing_items(items)
    if not missing:
        return
    started = time.monotonic()
    side_by_side = workers or min(os.cpu_count() or 1, MOST_WORKERS - 1) + 1
    progress.note(summary(missing, progress=progress, workers=side_by_side))
    check_disk(missing, folder=cache_root())
    _make(missing, progress=progress, workers=side_by_side)
    progress.note(f"prepared in {duration(time.monotonic() - started)}")


def missing_items(items: Iterable[Item]) -> list[Item]:
    """Return the items to build; an item that depends on a missing one counts as missing without a check."""
    missing: dict[str, Item] = {}
    for item in items:
        if any(title in missing for title in item.after) or not item.is_there():
            missing[item.title] = item
    return list(missing.values())


def summary(missing: Sequence[Item], *, progress: Progress, workers: int) -> str:
    """Return what will be built, how long that takes on this machine and how much disk space it needs."""
    seconds = total_seconds(missing, usual=lambda item: usual_seconds(item, progress), workers=workers)
    gigabytes = sum(item.gigabytes for item in missing)
    space = f" and {gigabytes:.1f} GB of disk" if gigabytes >= 0.05 else ""
    steps = "1 step" if len(missing) == 1 else f"{len(missing)} steps"
    names = "".join(f"\n  {item.title}" for item in missing)
    return f"{steps} to prepare first: about {duration(seconds)}{space}; builds are kept in {cache_root()}{names}"


def usual_seconds(item: Item, progress: Progress) -> float:
    """Return the seconds that the item usually takes on this machine."""
    return progress.durations.usual(item.title, default=item.seconds)


def total_seconds(items: Sequence[Item], *, usual: Callable[[Item], float], workers: int) -> float:
    """Return the seconds that `workers` need for all items if each takes the first item whose dependencies exist."""
    waiting, running, ended, now = list(items), list[tuple[float, str]](), set[str](), 0.0
    titles = {item.title for item in items}
    while waiting or running:
        for item in _ready(waiting, pending=titles - ended)[: workers - len(running)]:
            heapq.heappush(running, (now + usual(item), item.title))
            waiting.remove(item)
        now, title = heapq.heappop(running)
        ended.add(title)
    return now


def check_disk(missing: Sequence[Item], *, folder: Path) -> None:
    """Raise `PrerequisiteError` if the items need more disk space than is free where `folder` is or will be."""
    needed = sum(item.gigabytes for item in missing) * GIGABYTE
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        message = (
            f"{folder} needs {needed / GIGABYTE:.1f} GB of disk, and {free / GIGABYTE:.1f} GB are free: "
            "make room, or set EMBEDDING_OPERATOR_CACHE to a folder on a larger disk"
        )
        raise PrerequisiteError(message)


def _ready(waiting: Iterable[Item], *, pending: set[str]) -> list[Item]:
    return [item for item in waiting if pending.isdisjoint(item.after)]


def _make(missing: Sequence[Item], *, progress: Progress, workers: int) -> None:
    results = queue.Queue[tuple[Item, BaseException | None]]()
    waiting, running, width = list(missing), 0, len(str(len(missing)))
    pending = {item.title for item in missing}
    while waiting or running:
        for item in _ready(waiting, pending=pending)[: workers - running]:
            waiting.remove(item)
            running += 1
            number = f"[{len(missing) - len(waiting):>{width}}/{len(missing)}] "
            # Daemon threads: an error of one item ends the process, and with it the work on the other items.
            threading.Thread(target=_run, args=(item, number, progress, results), daemon=True).start()
        finished, error = results.get()
        if error is not None:
            raise error
        running -= 1
        pending.discard(finished.title)


def _run(item: Item, number: str, progress: Progress, results: queue.Queue[tuple[Item, BaseException | None]]) -> None:
    try:
        with progress.step(item.title, usual_seconds=item.seconds, number=number):
            item.make()
    except BaseException as error:
        # Any exception: the thread that waits for the results raises it again; otherwise it would wait forever.
        results.put((item, error))
    else:
        results.put((item, None))
