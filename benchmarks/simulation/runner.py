"""Runs many jobs in separate processes. Existing results are not run again, and new ones are written promptly."""

import sys
from collections.abc import Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.simulation.jobs import Ground, Job, perform
from benchmarks.simulation.results import Curve, Document, Run, path_of, read, write

KEPT_AFTER = 4
"""Results are written after this many new ones."""

Result = tuple[Run, Curve | None]

_GROUND: list[Ground] = []


def enter(ground: Ground) -> None:
    """Store what all jobs need in this process."""
    _GROUND[:] = [ground]


def perform_all(asked: Sequence[Job], *, workers: Executor, blank: Document, folder: Path) -> list[Run]:
    """Return the runs of all jobs, including those that `folder` has from the same code and assumptions.

    `blank` is the document of the trace without any runs. An interrupted benchmark continues where it stopped.
    """
    path = path_of(folder, trace=blank.trace.name, split=blank.trace.split)
    there = blank.merged(read(path)) if path.exists() else blank
    found = [(job, run_of(job, document=there)) for job in asked]
    known = [run for _, run in found if run is not None]
    missing = [job for job, run in found if run is None]
    title = f"{blank.trace.name}, {blank.trace.split.value} week"
    if known:
        say(f"{title}: {len(known)} of {len(asked)} runs exist already")
    begun = datetime.now(UTC)
    results: list[Result] = []
    for future in as_completed([workers.submit(_work, job) for job in missing]):
        results.append(future.result())
        passed = (datetime.now(UTC) - begun).total_seconds()
        left = passed / len(results) * (len(missing) - len(results))
        say(f"{title}: {len(results)} of {len(missing)}, {left / 60:.0f} min left: {_line(results[-1][0])}")
        if len(results) % KEPT_AFTER == 0 or len(results) == len(missing):
            write(_with(results, blank=blank).merged(there), path)
    return known + [run for run, _ in results]


def run_of(job: Job, *, document: Document) -> Run | None:
    """Return the run of `job` in `document`; None if it is missing, or the requested curve is."""
    if job.draws and all(curve.key != job.key for curve in document.curves):
        return None
    runs = (run for run in document.runs if run.key == job.key and run.parameters == job.parameters)
    return next(runs, None)


def say(line: str) -> None:
    """Report progress to the user."""
    print(line, file=sys.stderr, flush=True)


def _work(job: Job) -> Result:
    return perform(job, ground=_GROUND[0])


def _with(results: Sequence[Result], *, blank: Document) -> Document:
    return replace(
        blank,
        runs=tuple(run for run, _ in results),
        curves=tuple(curve for _, curve in results if curve is not None),
    )


def _line(run: Run) -> str:
    key = run.key
    return (
        f"{key.policy} on {key.scenario}, {key.start}, {key.tuning}, seed {key.seed}: "
        f"{run.waits.late_share['1']:.2%} late, {run.wall_seconds:.0f} s"
    )
