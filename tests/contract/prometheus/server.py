"""A real Prometheus on loopback, with samples written by a test."""

import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from testbed.cluster.programs import find_program
from testbed.engine.process import LOOPBACK, free_port

SECONDS_TO_START = 60


def blocks(folder: Path, *, samples: Iterable[tuple[str, datetime, float]]) -> None:
    """Write past samples (series, instant, value) into the database of a Prometheus that is not running yet."""
    # The samples of a metric must be contiguous, those of a series in order.
    in_order = sorted(samples, key=lambda sample: (sample[0], sample[1]))
    lines = [f"{series} {value} {instant.timestamp():.3f}" for series, instant, value in in_order]
    page = folder / "samples.txt"
    page.write_text("\n".join([*lines, "# EOF", ""]))
    _run(["tsdb", "create-blocks-from", "openmetrics", str(page), str(folder / "data")])


@contextmanager
def prometheus(folder: Path, *, rules: Mapping[str, str]) -> Iterator[str]:
    """Run a Prometheus whose `rules` create series (name by expression); return its address."""
    port = free_port()
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 200ms}\nrule_files: [rules.yml]\n")
    recorded = "".join(f"  - {{record: {name}, expr: '{expression}'}}\n" for name, expression in rules.items())
    (folder / "rules.yml").write_text(f"groups:\n- name: test\n  rules:\n{recorded}")
    command = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=90d",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            address = f"http://{LOOPBACK}:{port}"
            _wait_until_ready(address, process=process, log=folder / "log", rule=[*rules][-1])
            yield address
        finally:
            process.terminate()


def program(name: str) -> str:
    found = find_program(name)
    assert found is not None
    return found


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _run(arguments: list[str]) -> None:
    finished = subprocess.run(
        [program("promtool"), *arguments], env={**os.environ}, capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 0, finished.stderr


def _wait_until_ready(address: str, *, process: subprocess.Popen[bytes], log: Path, rule: str) -> None:
    """Wait until the server responds and has evaluated its rules."""
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            answer = requests.get(f"{address}/api/v1/query", params={"query": rule}, timeout=2)
            if '"value"' in answer.text:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])
