"""A lock between processes: two builds of one artefact, or two `up` of one cluster, must not run at the same time.

The kernel frees the lock when its holder dies, so a killed run never blocks the next one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .progress import Progress

POLL_SECONDS = 0.2


@contextmanager
def exclusive(path: Path, *, purpose: str, progress: Progress) -> Iterator[None]:
    """Hold the lock file at `path`; while another process holds it, report that and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        if not _try_lock(lock.fileno()):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            progress.note(f"waiting for process {holder}, which holds the lock for {purpose}")
            while not _try_lock(lock.fileno()):
                time.sleep(POLL_SECONDS)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def exclusive_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file at `path` unless another process does; yield whether it is held."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        yield _try_lock(lock.fileno())


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
