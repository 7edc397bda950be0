"""Checks that the simulator and a cluster scale alike: one hour of a trace, six times as fast, in both.

In the cluster, the operator runs as a process with its own RBAC permissions and default settings, with a real API
server and KWOK nodes; behind every pod is a fake engine that computes in batches and takes as long as the simulator's.
The simulator gets the same requests, spec and startup times. In the cluster, the second at which the operator polls is
unknown, so each one is simulated: the difference between these curves is the lower limit of any comparison.

Run it with `python -m benchmarks agreement`, which creates the control plane.
"""

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from statistics import fmean

from embedding_operator.simulation.library import library

from benchmarks.agreement_plot import draw
from benchmarks.curves import Difference, by_second, difference, steps
from benchmarks.live.engine_watch import EngineWatch
from benchmarks.live.replica_watch import ReplicaWatch
from benchmarks.replay import Replayed, replay
from benchmarks.replayed_hour import (
    BATCH_SECONDS,
    BATCH_TOKENS,
    FASTER,
    HOUR,
    SECONDS,
    SECONDS_PER_TOKEN,
    TICKS,
    TRACE,
    Requests,
    embedding_service,
    requests_of,
    simulated,
)
from benchmarks.results_file import write
from testbed.cluster.progress import Progress
from testbed.harness.engine_fleet import running_fleet
from testbed.harness.installation import NAMESPACE, install, write_kubeconfig
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import own_namespace

TRACES = Path(os.environ.get("TRACES", "../shared/traces"))
NAME = "replayed"
POLL_SECONDS = 5.0
MOST_SHIFT_SECONDS = 5
"""One poll interval: the moment within it at which the operator polls is unknown."""

GOAL_MEAN = 0.5
"""Half a replica on average, out of one to eight: one more or fewer, half of the time."""

ENGINES = {
    "FAKE_ENGINE_BASE_SECONDS": str(BATCH_SECONDS),
    "FAKE_ENGINE_SECONDS_PER_TOKEN": str(SECONDS_PER_TOKEN),
    "FAKE_ENGINE_FLOOR_SECONDS": "0",
    "FAKE_ENGINE_DIMENSION": "8",
}
ENGINE_OPTIONS = (f"--max-prefill-tokens={BATCH_TOKENS}", "--context-length=1000000")


def main() -> int:
    """Measure, print and write the result; return 1 if the curves differ by more than the goal."""
    progress, load = Progress(), os.getloadavg()
    requests = requests_of(library(TRACES).load(TRACE))
    curves = [simulated(requests, phase=phase) for phase in range(TICKS)]
    measured, replayed = replayed_on_cluster(requests, seconds=SECONDS, progress=progress)
    found = [difference(measured, curve, most_shift=MOST_SHIFT_SECONDS) for curve in curves]
    among = [difference(one, other, most_shift=MOST_SHIFT_SECONDS) for one, other in combinations(curves, 2)]
    figures = {
        "trace": {"name": TRACE, "hour": HOUR, "times_as_fast": FASTER, "requests": len(requests.instants)},
        "goal_mean": GOAL_MEAN,
        "poll_seconds": POLL_SECONDS,
        "load_average_before": load,
        "requests": {
            "sent": replayed.sent,
            "failed": dict(replayed.failed),
            "sent_late_by_at_most_s": round(replayed.latest_seconds, 3),
        },
        "cluster_and_simulator": _summary(found),
        "simulators_among_each_other": _summary(among),
        "replicas_from_second": {"cluster": steps(measured), "simulator": [steps(curve) for curve in curves]},
    }
    mean = fmean(each.mean for each in found)
    print(f"{mean:.2f} replicas apart on average, goal {GOAL_MEAN:g}")
    written = write("agreement", figures)
    draw(cluster=measured, simulator=curves, path=written.with_suffix(".svg"))
    print(written)
    return int(mean > GOAL_MEAN)


def replayed_on_cluster(requests: Requests, *, seconds: int, progress: Progress) -> tuple[list[int], Replayed]:
    """Return the replicas that the operator set in each of `seconds`, and the outcome of the requests.

    Needs a control plane with KWOK nodes, without an operator and without engines.
    """
    with tempfile.TemporaryDirectory() as made, ExitStack() as running:
        folder = Path(made)
        with progress.step("starting the operator and the engines", usual_seconds=30):
            install()
            running.enter_context(running_fleet(folder / "engines.log", options=ENGINE_OPTIONS, environment=ENGINES))
            operator = OperatorProcess(
                name="benchmark",
                namespace=NAMESPACE,
                kubeconfig=write_kubeconfig(folder / "kubeconfig"),
                log=folder / "operator.log",
                poll_seconds=POLL_SECONDS,
            )
            running.callback(operator.kill)
            operator.start_and_lead()
            world = running.enter_context(own_namespace())
            replicas = running.enter_context(ReplicaWatch(world.namespace))
            engines = running.enter_context(EngineWatch(world.namespace))
            world.apply(embedding_service(NAME))
            world.wait_until_serving(NAME)
        with progress.step("the replay", usual_seconds=seconds):
            begun = time.monotonic()
            replayed = replay(requests, begun=begun, addresses=engines.addresses)
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
        changes = [(change.at - begun, change.replicas) for change in replicas.changes(f"{NAME}-a10")]
    return by_second(changes, seconds=seconds), replayed


def _summary(found: list[Difference]) -> dict[str, object]:
    return {
        "mean_replicas_apart": round(fmean(each.mean for each in found), 3),
        "most_replicas_apart": round(max(each.mean for each in found), 3),
        "shift_s": sorted(each.shift for each in found),
        "replica_seconds_ratio": round(fmean(each.replica_seconds for each in found), 3),
        "peaks": sorted({peak for each in found for peak in each.peaks}),
    }


if __name__ == "__main__":
    sys.exit(main())
