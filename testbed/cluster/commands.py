"""Programs that run to completion: output is captured or logged, a failure becomes one readable error."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ClusterError
from .programs import environment, find_program

TAIL_LINES = 25
DEFAULT_TIMEOUT_SECONDS = 120.0


class CommandError(ClusterError):
    """A program failed or exceeded its time limit; `output` contains what it printed."""

    def __init__(self, argv: Sequence[str], *, reason: str, output: str) -> None:
        self.output = output
        shown = shlex.join(argv)
        shown = shown if len(shown) <= 300 else f"{shown[:300]}…"
        last = tail(output)
        super().__init__(f"{reason}: {shown}" + (f"\n{last}" if last else ""))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How to run a program: its folder, environment variables in addition to this process's own, and its time limit."""

    folder: Path | None = None
    variables: Mapping[str, str] | None = None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


ORDINARY = Surroundings()


def run(argv: Sequence[str], *, stdin: str | None = None, within: Surroundings = ORDINARY) -> str:
    """Return the standard output of a program that must succeed; otherwise raise `CommandError` with both outputs."""
    try:
        completed = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            cwd=within.folder,
            env=environment(within.variables),
            timeout=within.timeout_seconds,
            check=False,
        )
    except FileNotFoundError as missing:
        raise CommandError(argv, reason=f"{argv[0]} is not installed", output="") from missing
    except subprocess.TimeoutExpired as late:
        raise CommandError(argv, reason=f"timed out after {within.timeout_seconds:.0f} s", output="") from late
    if completed.returncode != 0:
        reason = f"exit status {completed.returncode}"
        raise CommandError(argv, reason=reason, output=completed.stdout + completed.stderr)
    return completed.stdout


def run_logged(argv: Sequence[str], *, log: Path, within: Surroundings = ORDINARY) -> None:
    """Run a long program with its output appended to the file `log`; raise `CommandError` with the log's tail."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        print(f"$ {shlex.join(argv)}", file=output, flush=True)
        start = output.tell()
        try:
            completed = subprocess.run(
                bound_to_this_process(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=within.folder,
                env=environment(within.variables),
                timeout=within.timeout_seconds,
                check=False,
            )
        except FileNotFoundError as missing:
            raise CommandError(argv, reason=f"{argv[0]} is not installed", output="") from missing
        except subprocess.TimeoutExpired as late:
            reason = f"timed out after {within.timeout_seconds:.0f} s (log: {log})"
            raise CommandError(argv, reason=reason, output=_from(log, start)) from late
    if completed.returncode != 0:
        reason = f"exit status {completed.returncode} (log: {log})"
        raise CommandError(argv, reason=reason, output=_from(log, start))


def succeeds(argv: Sequence[str], *, within: Surroundings = ORDINARY) -> bool:
    """Return whether a program exists and succeeds within its time limit."""
    try:
        run(argv, within=within)
    except CommandError:
        return False
    return True


def bound_to_this_process(argv: Sequence[str]) -> list[str]:
    """Return a command line whose process the kernel kills when this process dies, so that nothing is left behind."""
    binder = find_program("setpriv")
    return [binder, "--pdeathsig", "TERM", *argv] if binder and find_program(argv[0]) else list(argv)


def tail(text: str) -> str:
    """Return the last lines of an output, enough to see why the program ended."""
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


def _from(log: Path, start: int) -> str:
    with log.open(errors="replace") as output:
        output.seek(start)
        return output.read()
