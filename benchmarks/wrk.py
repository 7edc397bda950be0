"""wrk, a load generator that keeps connections and measures each request to the microsecond."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pinned import on_core
from testbed.cluster.commands import Surroundings, run
from testbed.cluster.errors import ClusterError

SCRIPT = Path(__file__).with_suffix(".lua")
CONNECTIONS = 32
END_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answers:
    """The number of answered requests, the seconds that they took, and their latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients with a request body, all on one core."""

    body: Path
    core: int

    def ask(self, url: str, *, seconds: int, per_second: float | None = None) -> Answers:
        """Request embeddings, at a mean rate or on each connection as soon as it has its answer.

        Raise `ClusterError` if a request failed: measurements of only some of the requests are of no use.
        """
        pause = {} if per_second is None else {"MEAN_PAUSE_MS": str(1000 * CONNECTIONS / per_second)}
        argv = ["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", f"--script={SCRIPT}"]
        within = Surroundings(variables={"BODY": str(self.body), **pause}, timeout_seconds=seconds + END_SECONDS)
        said = json.loads(run(on_core(self.core, [*argv, url]), within=within).strip().splitlines()[-1])
        if said["failed"] or not said["requests"]:
            message = f"{url}: {said['failed']} requests failed, {said['requests']} were answered"
            raise ClusterError(message)
        return Answers(
            requests=said["requests"],
            seconds=said["microseconds"] / 1e6,
            p50_ms=said["p50_us"] / 1000,
            p99_ms=said["p99_us"] / 1000,
            max_ms=said["max_us"] / 1000,
        )
