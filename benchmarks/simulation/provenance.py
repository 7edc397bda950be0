"""The code that a result comes from, by content: a commit that changes only documents invalidates no results.

The baselines and bounds do not depend on the operator's decision code: changing it does not invalidate their results
either.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import embedding_operator

from benchmarks.results_file import commit
from benchmarks.simulation.results import Kind

OPERATOR = Path(embedding_operator.__file__).parent
HERE = Path(__file__).parent

PACKAGES = ("api", "domain", "simulation")
"""The operator's packages that decide and that simulate."""

OURS = ("api/", "domain/", "simulation/counters.py", "simulation/ours.py", "simulation/telemetry.py")
"""The sources among them that only the operator's own decision needs."""

DECIDED_BY_OURS = (Kind.OURS, Kind.ABLATION)

MODULES = ("choice.py", "contestants.py", "grids.py", "jobs.py", "scenarios.py", "service.yaml", "stage.py")
"""The modules beside this file that affect results. Those that only report results are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The origin of results: the checked-out commit, and the digest of the sources of each kind of run."""

    commit: str
    code: Mapping[Kind, str]


def origin() -> Origin:
    """Return the origin of the code of this process; call it early, as files may change after they were loaded."""
    return Origin(commit=commit(), code={kind: digest(kind) for kind in Kind})


def digest(kind: Kind, *, further: Sequence[str] = ()) -> str:
    """Return twelve hexadecimal digits that change whenever a source of such a run changes.

    `further` are modules beside this file that only some runs need.
    """
    hashed = hashlib.sha256()
    own = [(f"benchmarks/{module}", HERE / module) for module in further]
    for name, path in sorted([*_sources(), *own]):
        if name.startswith(OURS) and kind not in DECIDED_BY_OURS:
            continue
        hashed.update(f"{name}\0".encode())
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:12]


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield the machine-independent name and the path of every source."""
    for package in PACKAGES:
        for path in (OPERATOR / package).rglob("*"):
            if path.suffix in {".py", ".yaml"}:
                yield path.relative_to(OPERATOR).as_posix(), path
    for module in MODULES:
        yield f"benchmarks/{module}", HERE / module
