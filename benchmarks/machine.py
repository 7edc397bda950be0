"""The machine of a result: results of different machines must never be compared."""

import os
import platform
import sys
from pathlib import Path


def machine() -> dict[str, str | int]:
    """Return the processor, cores, memory, kernel and Python version of this machine."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
    }


def _first(file: str, key: str) -> str:
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""
