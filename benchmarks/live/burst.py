"""Measures the time from a burst of requests to more replicas, through the gateway, which pokes the operator.

Everything but the engine is real: kind, the operator installed by its chart, HAProxy, the agent, its token and the
operator's review of it. Four services run in parallel, five runs each. In a run, forty clients send requests to a
service of one replica at a random moment of rest, as many as it would compute in eight seconds. The clock starts with
the first request, by the client's own clock on the same machine, and stops when a watch on the API server reports more
replicas. The next run begins once the service is at one replica again.

Run it with `python -m benchmarks burst`, which creates the cluster.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.live.replica_watch import ReplicaWatch
from benchmarks.live.runs import measured, shares
from benchmarks.results_file import write
from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched, sample
from testbed.cluster.progress import Progress
from testbed.installation import Installation, install

LANES = 4
"""All fit on the A10 node with two replicas each: a pool whose pods find no GPU is in backoff for minutes."""

RUNS_PER_LANE = 5
NAMESPACE = "bench-burst"
BURST = ("--concurrency=40", "--tokens=40", "--duration=6")
MAX_CONNECTIONS_PER_ENGINE = 4
GOAL_P50_SECONDS = 0.5
GOAL_P99_SECONDS = 1.0
START_SECONDS = 90.0
REST_SECONDS = 300.0
REACTION_SECONDS = 30.0
SEED = 20260602


@dataclass(frozen=True, slots=True)
class Lane:
    """One service and its clients."""

    service: Watched
    clients: Clients
    watch: ReplicaWatch

    progress: Progress

    def rest(self) -> None:
        """Return once the service is at one replica."""
        self.service.wait_for(
            lambda sight: sight.wanted == sight.serving() == len(sight.pods) == 1, seconds=REST_SECONDS, purpose="rest"
        )

    def run(self, title: str) -> float:
        """Return the seconds from the first request of a burst to more replicas."""
        resting_since = time.monotonic()
        with self.clients.load(f"{self.service.name}-load", url=self.service.url, options=BURST) as load:
            summary = load.summary(within_seconds=REST_SECONDS)
        deployment = f"{self.service.name}-a10"
        change = self.watch.first_above(1, deployment=deployment, since=resting_since, seconds=REACTION_SECONDS)
        began = float(summary["started_at"]) - time.time() + time.monotonic()
        taken = change.at - began
        self.progress.note(f"{self.service.name}, {title}: {taken:.2f} s, {summary['failed']} failed")
        return taken


def main() -> None:
    """Measure all runs, print and write the result."""
    progress, load = Progress(), os.getloadavg()
    installation = install(progress=progress)
    with (
        _lanes(installation, progress=progress) as lanes,
        progress.step(f"{LANES * RUNS_PER_LANE} bursts", usual_seconds=480),
    ):
        seconds = measured(lanes, runs=RUNS_PER_LANE, seed=SEED)
    figures = {
        "goal_p50_s": GOAL_P50_SECONDS,
        "goal_p99_s": GOAL_P99_SECONDS,
        "runs": len(seconds),
        "load_average_before": load,
        "burst": shares(seconds, p50=0.5, p99=0.99),
    }
    print(write("burst", figures))


@contextmanager
def _lanes(installation: Installation, *, progress: Progress) -> Iterator[list[Lane]]:
    installation.make_namespace(NAMESPACE)
    try:
        with ReplicaWatch(NAMESPACE) as watch:
            lanes = [
                _lane(installation, name=f"burst-{number}", watch=watch, progress=progress) for number in range(LANES)
            ]
            for lane in lanes:
                lane.service.wait_for_condition("Ready", "True", seconds=START_SECONDS)
            yield lanes
    finally:
        installation.delete_namespaces(NAMESPACE)


def _lane(installation: Installation, *, name: str, watch: ReplicaWatch, progress: Progress) -> Lane:
    document: dict[str, Any] = sample("queue")
    document["metadata"]["name"] = name
    document["spec"]["gateway"] = {"maxConnectionsPerEngine": MAX_CONNECTIONS_PER_ENGINE}
    document["spec"]["pools"][0]["maxReplicas"] = 2
    installation.apply(document, namespace=NAMESPACE)
    return Lane(Watched(installation, NAMESPACE, name), Clients(installation, NAMESPACE), watch, progress)


if __name__ == "__main__":
    main()
