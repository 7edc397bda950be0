"""The CPU time and memory of a process, as counted by the kernel."""

import os
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCost:
    """CPU seconds of all threads since the start, and memory in MiB: resident now, and at its peak."""

    cpu_seconds: float
    resident_mib: float
    peak_mib: float


def cost_of(pid: int) -> ProcessCost:
    """Return the cost of a process up to now; raise `FileNotFoundError` if there is none."""
    folder = Path(f"/proc/{pid}")
    # The program's name is in parentheses and may contain spaces, so fields are counted after it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    memory = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return ProcessCost(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / CLOCK_TICKS,
        resident_mib=_mib(memory["VmRSS"]),
        peak_mib=_mib(memory["VmHWM"]),
    )


def _mib(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024
