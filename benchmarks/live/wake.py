"""Measures the time from a request to a sleeping service to its answer, without the engine's startup time.

On kind, with the operator installed by its chart; only the engine is fake. Five services run in parallel, three runs
each. In a run, the service has scaled to zero without requests; then one request arrives at a random moment. Its client
reports when it was sent and answered; watches on the API server report when the replica was written, when its pod
appeared and when the pod was Ready. The startup time of the pod depends on its image and model; the rest is the work of
the operator, the gateway and Kubernetes.

Run it with `python -m benchmarks wake`, which creates the cluster.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.live.pod_watch import PodWatch
from benchmarks.live.replica_watch import ReplicaWatch
from benchmarks.live.runs import measured, shares
from benchmarks.results_file import write
from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched, sample
from testbed.cluster.progress import Progress
from testbed.installation import Installation, install

LANES = 5
RUNS_PER_LANE = 3
NAMESPACE = "bench-wake"
IDLE_SECONDS = 15
ONE_REQUEST = ("--concurrency=1", "--tokens=4", "--duration=0.1", "--timeout=120")
START_SECONDS = 90.0
SLEEP_SECONDS = 300.0
ANSWER_SECONDS = 150.0
SEED = 20260603
PHASES = {
    "request_to_replicas": "request → replicas written",
    "engine_start": "pod created → Ready: the engine's startup time",
    "request_to_answer": "request → answer",
    "answer_less_start": "request → answer, without the engine's startup time",
}


@dataclass(frozen=True, slots=True)
class Wake:
    """One run, in seconds."""

    request_to_replicas: float
    engine_start: float
    request_to_answer: float

    @property
    def answer_less_start(self) -> float:
        """Return the seconds of waking without the engine's startup time."""
        return self.request_to_answer - self.engine_start


@dataclass(frozen=True, slots=True)
class Lane:
    """One service and the client that wakes it."""

    service: Watched
    clients: Clients
    replicas: ReplicaWatch
    pods: PodWatch

    progress: Progress

    def rest(self) -> None:
        """Return once the service has scaled to zero."""
        self.service.wait_for(
            lambda sight: sight.wanted == 0 and not sight.pods, seconds=SLEEP_SECONDS, purpose="sleep"
        )

    def run(self, title: str) -> Wake:
        """Wake the service with one request."""
        asleep_since = time.monotonic()
        with self.clients.load(f"{self.service.name}-load", url=self.service.url, options=ONE_REQUEST) as load:
            summary = load.summary(within_seconds=ANSWER_SECONDS)
        if summary["failed"]:
            message = f"{self.service.name} does not answer: {summary['failures']}"
            raise AssertionError(message)
        sent_at = float(summary["started_at"])
        deployment = f"{self.service.name}-a10"
        change = self.replicas.first_above(0, deployment=deployment, since=asleep_since, seconds=ANSWER_SECONDS)
        start = next(start for start in reversed(self.pods.starts()) if start.pod.startswith(f"{deployment}-"))
        wake = Wake(
            request_to_replicas=change.at - time.monotonic() + time.time() - sent_at,
            engine_start=start.seconds,
            request_to_answer=float(summary["latency_seconds"]["p100"]),
        )
        self.progress.note(
            f"{self.service.name}, {title}: answered after {wake.request_to_answer:.2f} s, "
            f"{wake.answer_less_start:.2f} s of them without the engine's startup time"
        )
        return wake


def main() -> None:
    """Measure all runs, print and write the result."""
    progress, load = Progress(), os.getloadavg()
    installation = install(progress=progress)
    with (
        _lanes(installation, progress=progress) as lanes,
        progress.step(f"{LANES * RUNS_PER_LANE} wakes", usual_seconds=400),
    ):
        wakes = measured(lanes, runs=RUNS_PER_LANE, seed=SEED)
    figures = {
        "runs": len(wakes),
        "load_average_before": load,
        "phases": {phase: shares([getattr(wake, phase) for wake in wakes], p50=0.5) for phase in PHASES},
    }
    print(write("wake", figures))


@contextmanager
def _lanes(installation: Installation, *, progress: Progress) -> Iterator[list[Lane]]:
    installation.make_namespace(NAMESPACE)
    try:
        with ReplicaWatch(NAMESPACE) as replicas, PodWatch(NAMESPACE) as pods:
            services = [_asleep_when_idle(installation, name=f"wake-{number}") for number in range(LANES)]
            for service in services:
                service.wait_for_condition("GatewayAvailable", "True", seconds=START_SECONDS)
            yield [Lane(service, Clients(installation, NAMESPACE), replicas, pods, progress) for service in services]
    finally:
        installation.delete_namespaces(NAMESPACE)


def _asleep_when_idle(installation: Installation, *, name: str) -> Watched:
    document: dict[str, Any] = sample("queue")
    document["metadata"]["name"] = name
    document["spec"]["pools"][0].update(minReplicas=0, maxReplicas=2)
    document["spec"]["scaling"]["idleSeconds"] = IDLE_SECONDS
    installation.apply(document, namespace=NAMESPACE)
    return Watched(installation, NAMESPACE, name)


if __name__ == "__main__":
    main()
