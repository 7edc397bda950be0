"""Runs the whole fault matrix of tests/integration/faults on a new control plane, and writes its page.

`make faults` runs it. Arguments go to pytest: with a selection, the rows of other tests are kept from the last run.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write
from benchmarks.tables import provenance
from testbed.cluster import ControlPlane
from testbed.cluster.progress import Progress

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "benchmarks" / "FAULTS.md"
NAME = "faults"
TESTS = "tests/integration/faults"

Row = Mapping[str, Any]

ELSEWHERE = (
    ("clock changes of daylight saving, both ways", "tests/unit/domain/schedule"),
    ("engines without metrics", "tests/integration/test_scaling.py"),
    (
        "triggers: Prometheus is down, slow, partial, old or wrong",
        "tests/contract/telemetry, tests/contract/prometheus",
    ),
    ("an engine or gateway pod is killed, a node is drained, under load", "e2e, benchmarks/endurance.py"),
    ("children changed or deleted by hand", "tests/integration/test_repair.py"),
    ("no capacity in the new pool", "tests/integration/test_handover.py"),
)
FAILS = (
    (
        "old lists: the first write of a new process is refused; once it has read the Deployment anew and still knows "
        "only one of four pods, it removes two replicas that serve"
    ),
)
NOT_RUN = (
    "a crash at each single write, with a new service for each: positions shift from process to process, and skip some",
    "crashes while a service shrinks or hands over: written, ten minutes each, not run to the end yet",
    "an API server or etcd that is away",
    "a metrics blackout of an hour, a hundred handovers under load",
    "gateways and engines killed at random for half an hour",
    "a node that is lost, a kubelet that stops, a full disk",
)


def main(arguments: Sequence[str]) -> int:
    """Run the tests and write results and page; return pytest's exit status."""
    cluster = ControlPlane(progress=Progress())
    cluster.down()
    try:
        cluster.up()
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.json"
            pytest = [sys.executable, "-m", "pytest", TESTS, "-m", "cluster", "-q", *arguments]
            finished = subprocess.run(
                [*cluster.exec_prefix(), *pytest],
                cwd=REPOSITORY,
                env={**os.environ, "FAULTS_RESULTS": str(rows)},
                check=False,
            )
            found = json.loads(rows.read_text(encoding="utf-8")) if rows.exists() else []
    finally:
        cluster.down()
    write(NAME, {"rows": merged(_last(), found)})
    PAGE.write_text(page(json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8"))), encoding="utf-8")
    return finished.returncode


def merged(last: Iterable[Row], found: Sequence[Row]) -> list[Row]:
    """Return the rows found and those of the last run by tests that did not run, in the order of their tests."""
    run = {row["test"] for row in found}
    return sorted([*found, *(row for row in last if row["test"] not in run)], key=lambda row: str(row["test"]))


def page(result: Mapping[str, Any]) -> str:
    """Return the page of a result."""
    lines = [
        "# Faults",
        "",
        "`make faults` puts faults between the operator and a real API server with KWOK nodes, and writes this page.",
        "A row is what one test did and saw; a crash is a SIGKILL of the operator's process at a request.",
        "",
        provenance(result),
        "",
        "| fault | times | at | observed | test |",
        "|---|---|---|---|---|",
        *(_line(row) for row in result["rows"]),
        "",
        "Shown elsewhere:",
        "",
        "| fault | tests |",
        "|---|---|",
        *(f"| {fault} | {tests} |" for fault, tests in ELSEWHERE),
        "",
        "Fails:",
        "",
        *(f"- {fault}" for fault in FAILS),
        "",
        "Not run:",
        "",
        *(f"- {fault}" for fault in NOT_RUN),
        "",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    at = ", ".join(f"{times} x {request}" for request, times in row["at"].items())
    return f"| {row['fault']} | {row['times']} | {at} | {row['observed']} | `{row['test']}` |"


def _last() -> list[Row]:
    path = RESULTS / f"{NAME}.json"
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
