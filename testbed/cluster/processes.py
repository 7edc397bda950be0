"""Processes that outlive the command that starts them, and that are stopped without ever signalling another process.

A process is identified by its PID *and* its start time. Signals go through a file descriptor of the process that is
opened before that identity is checked, so a PID that was reused in between is never signalled.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .commands import tail
from .errors import ClusterError
from .programs import environment, find_program

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0
KILL_SECONDS = 10.0
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """The identity of a process: its PID, and its start in clock ticks since the boot with this ID."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """The kernel's data on a process: state letter, parent, session and start in clock ticks since boot."""

    state: str
    parent: int
    session: int
    start_ticks: int


class Supervisor:
    """Starts named processes, records them in a folder and stops them, even from a later command."""

    def __init__(self, folder: Path, *, logs: Path) -> None:
        self._folder = folder
        self._logs = logs

    def start(self, name: str, argv: Sequence[str], *, variables: Mapping[str, str] | None = None) -> None:
        """Start `argv` as the leader of its own session, with its output in the log of `name`, unless it is running."""
        if self.is_running(name):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        pid = _spawn(argv, log=self.log_file(name), variables=environment(variables))
        identity = identify(pid)
        if identity is None:
            message = f"{name} exited immediately:\n{self.log_tail(name)}"
            raise ClusterError(message)
        record = self._folder / f"{name}.json"
        unfinished = record.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(identity)))
        unfinished.replace(record)

    def stop(self, name: str, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """Stop the process and its session; nothing happens if it is not running."""
        identity = self._identity(name)
        if identity is not None:
            terminate(session_of(identity), grace_seconds=grace_seconds)
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of processes that were started and not stopped, whether or not they are still running."""
        return sorted(record.stem for record in self._folder.glob("*.json"))

    def is_running(self, name: str) -> bool:
        """Return whether the process that was started under this name is alive."""
        identity = self._identity(name)
        return identity is not None and identify(identity.pid) == identity

    def log_file(self, name: str) -> Path:
        """Return the file with the output of the process."""
        return self._logs / f"{name}.log"

    def log_tail(self, name: str) -> str:
        """Return the last lines the process printed."""
        log = self.log_file(name)
        return tail(log.read_text(errors="replace")) if log.exists() else ""

    def _identity(self, name: str) -> ProcessIdentity | None:
        try:
            return ProcessIdentity(**json.loads((self._folder / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a living process; None if there is none with this PID or it has ended."""
    _reap(pid)
    stat = read_stat(pid)
    if stat is None or stat.state in "ZX":
        return None
    return ProcessIdentity(pid, stat.start_ticks, _boot_id())


def session_of(leader: ProcessIdentity) -> list[ProcessIdentity]:
    """Return the process and all others of the session that it leads; empty if another process has its PID now."""
    if identify(leader.pid) != leader:
        return []
    others = (identify(pid) for pid in all_pids() if pid != leader.pid and _session(pid) == leader.pid)
    return [leader, *(other for other in others if other is not None)]


def terminate(processes: Iterable[ProcessIdentity], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Terminate processes, kill those that do not end in time; raise `ClusterError` if one cannot be killed."""
    alive = _signal_all(processes, signal.SIGTERM)
    alive = _wait_for_end(alive, seconds=grace_seconds)
    alive = _wait_for_end(_signal_all(alive, signal.SIGKILL), seconds=KILL_SECONDS)
    if alive:
        message = f"processes {[process.pid for process in alive]} do not end, not even when killed"
        raise ClusterError(message)


def own_lineage() -> set[int]:
    """Return this process and its ancestors, which a cleanup must not end."""
    lineage, pid = set(), os.getpid()
    while pid > 0:
        lineage.add(pid)
        stat = read_stat(pid)
        pid = 0 if stat is None else stat.parent
    return lineage


def all_pids() -> list[int]:
    """Return the PIDs of all processes."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def read_stat(pid: int) -> ProcessStat | None:
    """Return the kernel's data on a process; None if there is none with this PID."""
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def command_line(pid: int) -> list[str]:
    """Return the command line of a process; empty if it has ended or is part of the kernel."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [argument.decode(errors="replace") for argument in raw.split(b"\0") if argument]


def parse_stat(line: str) -> ProcessStat:
    """Parse a line of /proc/PID/stat; the program's name in it may contain spaces and parentheses."""
    fields = line[line.rindex(")") + 1 :].split()
    return ProcessStat(state=fields[0], parent=int(fields[1]), session=int(fields[3]), start_ticks=int(fields[19]))


def _signal_all(processes: Iterable[ProcessIdentity], number: signal.Signals) -> list[ProcessIdentity]:
    return [process for process in processes if _signal(process, number)]


def _signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    with _descriptor_of(process.pid) as descriptor:
        if descriptor is None or identify(process.pid) != process:
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return True


@contextmanager
def _descriptor_of(pid: int) -> Iterator[int | None]:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for_end(processes: list[ProcessIdentity], *, seconds: float) -> list[ProcessIdentity]:
    deadline = time.monotonic() + seconds
    alive = processes
    while alive and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        alive = [process for process in alive if identify(process.pid) == process]
    return alive


def _spawn(argv: Sequence[str], *, log: Path, variables: Mapping[str, str]) -> int:
    program = find_program(argv[0])
    if program is None:
        message = f"{argv[0]} is not installed"
        raise ClusterError(message)
    output = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        program,
        list(argv),
        variables,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), output, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _session(pid: int) -> int | None:
    stat = read_stat(pid)
    return None if stat is None else stat.session


def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()
