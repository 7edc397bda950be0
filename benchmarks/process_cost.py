"""What a process costs, as the kernel counts it."""

import os
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCost:
    """CPU seconds since its start, of all threads, and memory in MiB: resident now, and the most it ever was."""

    cpu_seconds: float
    resident_mib: float
    peak_mib: float


def cost_of(pid: int) -> ProcessCost:
    """Return the cost of a process up to now; raise `FileNotFoundError` if there is none."""
    folder = Path(f"/proc/{pid}")
    # the program's name stands in parentheses and may hold spaces, so fields are counted from behind it
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    memory = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return ProcessCost(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / CLOCK_TICKS,
        resident_mib=_mib(memory["VmRSS"]),
        peak_mib=_mib(memory["VmHWM"]),
    )


def _mib(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024
