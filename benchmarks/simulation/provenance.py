"""Which code a result comes from, by its content: a commit that touches only documents takes no result away."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import embedding_operator

from benchmarks.results_file import commit

OPERATOR = Path(embedding_operator.__file__).parent
HERE = Path(__file__).parent

PACKAGES = ("api", "domain", "simulation")
"""What decides and what is simulated, of the operator's packages."""

MODULES = ("choice.py", "contestants.py", "grids.py", "jobs.py", "scenarios.py", "service.yaml", "stage.py")
"""What is run, beside this file. Those that only tell of results are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where results come from: the commit that is checked out, and the digest of the sources."""

    commit: str
    code: str


def origin() -> Origin:
    """Return the origin of what this process runs; asked later, files may not be those that were loaded."""
    return Origin(commit=commit(), code=digest())


def digest() -> str:
    """Return twelve hexadecimal digits that differ wherever one of the sources does."""
    hashed = hashlib.sha256()
    for name, path in sorted(_sources()):
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
