"""Measures the latency that the gateway adds and its throughput per core, beside a plain Service and sglang-router.

All three use the same engines in one run, on loopback. Clients and engines share one core, the proxy has another one to
itself. In each round, all routes get the same load in turn, so that changes of the machine between rounds affect all of
them. The added latency of a route is its percentile minus that of the plain Service in the same round.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.doors import MODEL, Door, engines, our_gateway, sglang_router
from benchmarks.pinned import cpu_seconds
from benchmarks.results_file import write
from benchmarks.router import VERSION, ensure_router
from benchmarks.wrk import CONNECTIONS, Answers, Clients
from testbed.cluster.commands import run
from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import ensure
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import GATEWAY, LOAD_GENERATOR

GOAL_ADDED_P99_MS = 0.3
ROUNDS = 3
ENGINES = 2
WARM_UP_SECONDS = 1
SENTENCE = "What does the shop send back when a parcel is lost? "

SERVICE, OURS, ROUTER = "service", "gateway", "sglang_router"
DOORS = (OURS, ROUTER)

Figures = dict[str, float]
Round = Mapping[str, Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests of `size` bytes with `texts` texts, at a mean rate or, without one, as fast as they are answered."""

    size: int
    texts: int
    seconds: int
    per_second: float | None = None


TYPICAL = Load(size=253, texts=1, per_second=1000, seconds=20)
LARGE = Load(size=100_000, texts=64, per_second=100, seconds=8)
FASTEST = Load(size=253, texts=1, seconds=5)


def main(progress: Progress) -> None:
    """Measure all loads, print and write the result."""
    ensure((*GATEWAY, *LOAD_GENERATOR), progress=progress)
    python = ensure_router(progress=progress)
    before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        folder = Path(name)
        behind, front = _cores()
        with _doors(folder, python=python, behind=behind, front=front) as doors:
            bench = _Bench(doors, folder, behind, progress)
            typical, large = (bench.rounds(load, doors=(SERVICE, *DOORS)) for load in (TYPICAL, LARGE))
            fastest = bench.rounds(FASTEST, doors=DOORS)
    figures = {
        "goal_added_p99_ms": GOAL_ADDED_P99_MS,
        "load_average_before": before,
        "haproxy": _version(["haproxy", "-v"]),
        "sglang_router": VERSION,
        "connections": CONNECTIONS,
        "engines": ENGINES,
        "typical": _compared(TYPICAL, typical),
        "large": _compared(LARGE, large),
        "fastest": {"bytes": FASTEST.size, "rounds": fastest, **_medians(fastest, doors=DOORS)},
    }
    print(json.dumps(figures, indent=2))
    print(write("gateway", figures))


def request(*, size: int, texts: int) -> bytes:
    """Return a request for embeddings of exactly `size` bytes; all its texts but the last are equally long."""
    each, rest = divmod(size - len(_document([""] * texts)), texts)
    lengths = [each] * (texts - 1) + [each + rest]
    return _document([(SENTENCE * (length // len(SENTENCE) + 1))[:length] for length in lengths])


def added(rounds: Iterable[Round], *, door: str) -> dict[str, object]:
    """Return the latency added to the plain Service's percentiles: the median of all rounds, and each p99."""
    rounds = list(rounds)
    p50, p99 = ([each[door][key] - each[SERVICE][key] for each in rounds] for key in ("p50_ms", "p99_ms"))
    return {
        "p50_ms": round(median(p50), 3),
        "p99_ms": round(median(p99), 3),
        "p99_ms_of_rounds": [round(one, 3) for one in p99],
    }


@dataclass(frozen=True, slots=True)
class _Bench:
    doors: Mapping[str, Door]
    folder: Path
    core_of_clients: int
    progress: Progress

    def rounds(self, load: Load, *, doors: Iterable[str]) -> list[Round]:
        body = self.folder / "request.json"
        body.write_bytes(request(size=load.size, texts=load.texts))
        rate = "as fast as they are answered" if load.per_second is None else f"{load.per_second:g} a second"
        measured: list[Round] = []
        for number in range(1, ROUNDS + 1):
            with self.progress.step(f"requests of {load.size:,} bytes, {rate}: round {number} of {ROUNDS}"):
                measured.append({name: self._measure(name, load, body=body) for name in doors})
        return measured

    def _measure(self, name: str, load: Load, *, body: Path) -> Figures:
        door, clients = self.doors[name], Clients(body, self.core_of_clients)
        clients.ask(door.url, seconds=WARM_UP_SECONDS, per_second=load.per_second)
        before = _cpu_seconds(door)
        answers = clients.ask(door.url, seconds=load.seconds, per_second=load.per_second)
        return _figures(answers, cpu=_cpu_seconds(door) - before)


@contextmanager
def _doors(folder: Path, *, python: Path, behind: int, front: int) -> Iterator[Mapping[str, Door]]:
    """Run the engines on core `behind` and all proxies on core `front`: only the one under load is busy."""
    with (
        engines(folder, count=ENGINES, core=behind) as running,
        our_gateway(folder, behind=running, core=front) as ours,
        sglang_router(folder, python=python, behind=running, core=front) as router,
    ):
        yield {SERVICE: running.door, OURS: ours, ROUTER: router}


def _cores() -> tuple[int, int]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise PrerequisiteError("two cores are needed: one for clients and engines, one for the proxy")
    return cores[0], cores[1]


def _figures(answers: Answers, *, cpu: float) -> Figures:
    figures = {
        "p50_ms": answers.p50_ms,
        "p99_ms": answers.p99_ms,
        "max_ms": answers.max_ms,
        "requests_per_second": round(answers.requests / answers.seconds, 1),
    }
    if cpu:
        figures |= {
            "cpu_cores": round(cpu / answers.seconds, 3),
            "requests_per_cpu_second": round(answers.requests / cpu),
        }
    return figures


def _compared(load: Load, rounds: list[Round]) -> dict[str, object]:
    return {
        "bytes": load.size,
        "per_second": load.per_second,
        "seconds": load.seconds,
        "added": {door: added(rounds, door=door) for door in DOORS},
        **_medians(rounds, doors=(SERVICE, *DOORS)),
        "rounds": rounds,
    }


def _medians(rounds: list[Round], *, doors: Iterable[str]) -> dict[str, Figures]:
    return {door: {key: median(each[door][key] for each in rounds) for key in rounds[0][door]} for door in doors}


def _cpu_seconds(door: Door) -> float:
    return 0.0 if door.process is None else cpu_seconds(door.process)


def _document(texts: list[str]) -> bytes:
    document: Mapping[str, Any] = {"model": MODEL, "input": texts}
    return json.dumps(document).encode()


def _version(argv: list[str]) -> str:
    found = re.search(r"\d+\.\d+\.\d+", run(argv))
    return found[0] if found else "unknown"
