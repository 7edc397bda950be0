"""Counts failed requests in ten minutes of constant load, while pods are scaled, drained, deleted and killed.

Runs the scenario of the end-to-end test (e2e/scenarios/endurance_story.py) on kind, with the operator installed by its
chart and fake engines, spread over ten minutes. A watch on the API server reports when each replica becomes Ready; a
client with a few kept connections reports when each engine first answers on a connection that was open before.

Run it with `python -m benchmarks endurance`, which creates the cluster.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.live.pod_watch import PodWatch, Start
from benchmarks.results_file import percentile, write
from e2e.scenarios.clients import Clients
from e2e.scenarios.endurance_story import FIRST_ANSWERS, Endured, endure
from e2e.scenarios.watching import Watched, sample
from testbed.cluster.progress import Progress
from testbed.installation import install

NAMESPACE = "bench-endurance"
SECONDS = 600.0
GOAL_FAILED = 0
GOAL_REACHED_SECONDS = 2.0
LATENCIES = ("p50", "p99", "p100")


def main() -> None:
    """Run the scenario, print and write the result."""
    progress, load = Progress(), os.getloadavg()
    installation = install(progress=progress)
    installation.make_namespace(NAMESPACE)
    service = Watched(installation, NAMESPACE, sample("day-night")["metadata"]["name"])
    try:
        with PodWatch(NAMESPACE) as watch, progress.step("ten minutes of load", usual_seconds=SECONDS + 60):
            endured = endure(service, clients=Clients(installation, NAMESPACE), seconds=SECONDS)
            starts = watch.starts()
    finally:
        installation.delete_namespaces(NAMESPACE)
    figures = {
        "goal_failed": GOAL_FAILED,
        "goal_reached_s": GOAL_REACHED_SECONDS,
        "load_average_before": load,
        "seconds": round(endured.seconds, 1),
        "events": {event: round(at, 1) for event, at in endured.events.items()},
        "clients": {name: _client(name, endured) for name in endured.summaries},
        "failures": endured.failures(),
        "connections_opened": endured.summaries[FIRST_ANSWERS]["connections_opened"],
        "new_replicas": reached(starts, endured.first_answers),
    }
    print(write("endurance", figures))


def reached(starts: Iterable[Start], first_answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the seconds from Ready to the first answer on an already open connection, for each new replica.

    A replica that was Ready before any connection was opened does not count. `never` names those that did not answer.
    """
    seconds: list[float] = []
    never: list[str] = []
    oldest = min((answer["opened_at"] for answer in first_answers), default=float("inf"))
    for start in starts:
        if start.ready_at <= oldest:
            continue
        answered = [
            answer["answered_at"] - start.ready_at
            for answer in first_answers
            if answer["engine"] == start.pod and answer["opened_at"] < start.ready_at
        ]
        if answered:
            seconds.append(min(answered))
        else:
            never.append(start.pod)
    shares = {"p50_s": 0.5, "max_s": 1.0} if seconds else {}
    return {
        **{name: round(percentile(seconds, share), 2) for name, share in shares.items()},
        "seconds": sorted(round(each, 3) for each in seconds),
        "never": never,
    }


def _client(name: str, endured: Endured) -> dict[str, Any]:
    summary = endured.summaries[name]
    failures = [failure for failure in endured.failures() if failure["client"] == name]
    computed = sum(endured.was_computed_by_the_killed(failure) for failure in failures)
    return {
        "sent": summary["sent"],
        "failed_with_the_killed_engine": computed,
        "failed_otherwise": summary["failed"] - computed,
        "latency_s": {share: round(summary["latency_seconds"][share], 3) for share in LATENCIES},
    }


if __name__ == "__main__":
    main()
