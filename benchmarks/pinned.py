"""Processes pinned to one core, and the CPU time that they and their children have used."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.process_cost import cost_of
from testbed.cluster.commands import bound_to_this_process
from testbed.cluster.errors import ClusterError
from testbed.cluster.processes import ProcessIdentity, identify, session_of, terminate


def on_core(core: int, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs `argv` on one core."""
    return ["taskset", "--cpu-list", str(core), *argv]


@contextmanager
def running(
    argv: Sequence[str], *, core: int, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[ProcessIdentity]:
    """Run a program in its own session, with its output in `log`; end it and its children afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            bound_to_this_process(on_core(core, argv)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(variables or {})},
            start_new_session=True,
        )
    identity = identify(process.pid)
    if identity is None:
        message = f"{argv[0]} ended at once: {log.read_text(errors='replace')}"
        raise ClusterError(message)
    try:
        yield identity
    finally:
        terminate(session_of(identity))
        process.wait()


def cpu_seconds(leader: ProcessIdentity) -> float:
    """Return the CPU time in seconds of all threads of a process and of its running children."""
    return sum(cost_of(each.pid).cpu_seconds for each in session_of(leader))
