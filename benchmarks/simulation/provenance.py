"""Which code a result comes from, by its content: a commit that touches only documents takes no result away.

What is tried instead of ours, and the bounds, do not depend on what decides: another way to decide takes none of their
results away either.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import embedding_operator

from benchmarks.results_file import commit
from benchmarks.simulation.results import Kind

OPERATOR = Path(embedding_operator.__file__).parent
HERE = Path(__file__).parent

PACKAGES = ("api", "domain", "simulation")
"""What decides and what is simulated, of the operator's packages."""

OURS = ("api/", "domain/", "simulation/counters.py", "simulation/ours.py", "simulation/telemetry.py")
"""Of their sources, what only the operator's own decision needs."""

DECIDED_BY_OURS = (Kind.OURS, Kind.ABLATION)

MODULES = ("choice.py", "contestants.py", "grids.py", "jobs.py", "scenarios.py", "service.yaml", "stage.py")
"""What is run, beside this file. Those that only tell of results are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where results come from: the commit that is checked out, and the digest of the sources of each kind of run."""

    commit: str
    code: Mapping[Kind, str]


def origin() -> Origin:
    """Return the origin of what this process runs; asked later, files may not be those that were loaded."""
    return Origin(commit=commit(), code={kind: digest(kind) for kind in Kind})


def digest(kind: Kind) -> str:
    """Return twelve hexadecimal digits that differ wherever one of the sources of such a run does."""
    hashed = hashlib.sha256()
    for name, path in sorted(_sources()):
        if name.startswith(OURS) and kind not in DECIDED_BY_OURS:
            continue
        hashed.update(f"{name}\0".encode())
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:12]


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield the name, the same on every machine, and the place of every source."""
    for package in PACKAGES:
        for path in (OPERATOR / package).rglob("*"):
            if path.suffix in {".py", ".yaml"}:
                yield path.relative_to(OPERATOR).as_posix(), path
    for module in MODULES:
        yield f"benchmarks/{module}", HERE / module
