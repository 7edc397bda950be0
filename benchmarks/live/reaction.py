"""Measures the time from a rise of the queue to more replicas, for the operator and for KEDA with its autoscaler.

Ten pairs of an EmbeddingService and a Deployment scaled by KEDA run at once on one control plane, five runs each. In a
run, both queues of a pair rise, in one request to the fake engine, at a random moment of rest; the clock stops when a
watch on the API server reports more replicas. Then the queue falls, and the next run begins once both are at one
replica again. To get there soon, scale-down is not stabilized on either side, which a user would not configure.

Run it with `python -m benchmarks reaction`, which creates the control plane.
"""

import os
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from benchmarks import keda
from benchmarks.live.lane import MOST_REPLICAS, Lane, Reaction
from benchmarks.live.replica_watch import ReplicaWatch
from benchmarks.results_file import percentile, write
from testbed.cluster import ControlPlane
from testbed.cluster.progress import Progress
from testbed.cluster.tools import KEDA
from testbed.harness.engine_fleet import running_fleet
from testbed.harness.installation import GPUS_PER_NODE, NAMESPACE, install, write_kubeconfig
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import World, own_namespace

LANES = 10
RUNS_PER_LANE = 5
POLL_SECONDS = 5.0
GOAL_P99_SECONDS = 7.0
SETTLE_SECONDS = 30.0
SEED = 20260601


def main() -> None:
    """Measure all runs, print and write the result."""
    progress = Progress()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        lanes = _lanes(Path(folder), running=running, progress=progress)
        with progress.step("settling", usual_seconds=SETTLE_SECONDS):
            time.sleep(SETTLE_SECONDS)
        with progress.step(f"{LANES * RUNS_PER_LANE} runs", usual_seconds=330):
            reactions = _reactions(lanes, progress=progress)
    figures = {
        "embedding_operator": _summary([each.operator_seconds for each in reactions]),
        "keda_and_hpa": _summary([each.keda_seconds for each in reactions]),
    }
    for name, taken in figures.items():
        print(f"{name:>20}: p50 {taken['p50_s']} s, p99 {taken['p99_s']} s, max {taken['max_s']} s")
    print(write("reaction", {**_conditions(reactions), "load_average_before": load, "reaction": figures}))


def _lanes(folder: Path, *, running: ExitStack, progress: Progress) -> list[Lane]:
    """Start everything, apply the pairs and return them."""
    with progress.step("starting the operator, KEDA and the engines", usual_seconds=30):
        install()
        nodes = -(-LANES * MOST_REPLICAS // GPUS_PER_NODE)
        ControlPlane(progress=progress).add_gpu_nodes(product="NVIDIA-A10", count=nodes, gpus=GPUS_PER_NODE)
        fleet = running.enter_context(running_fleet(folder / "engines.log"))
        operator = OperatorProcess(
            name="benchmark",
            namespace=NAMESPACE,
            kubeconfig=write_kubeconfig(folder / "kubeconfig"),
            log=folder / "operator.log",
            poll_seconds=POLL_SECONDS,
        )
        running.callback(operator.kill)
        operator.start_and_lead()
        running.enter_context(keda.running_keda(folder, progress=progress))
        world: World = running.enter_context(own_namespace())
        watch = running.enter_context(ReplicaWatch(world.namespace))
        lanes = [Lane(number=number, namespace=world.namespace, watch=watch, engines=fleet) for number in range(LANES)]
        for lane in lanes:
            world.apply(*lane.objects())
    return lanes


def _reactions(lanes: Sequence[Lane], *, progress: Progress) -> list[Reaction]:
    reactions: list[Reaction] = []
    with ThreadPoolExecutor(len(lanes)) as pool:
        for finished in as_completed([pool.submit(_run_all, lane, progress) for lane in lanes]):
            reactions += finished.result()
    return reactions


def _run_all(lane: Lane, progress: Progress) -> list[Reaction]:
    chance = random.Random(SEED + lane.number)
    reactions = []
    for number in range(1, RUNS_PER_LANE + 1):
        reaction = lane.run(chance=chance)
        reactions.append(reaction)
        progress.note(
            f"{lane.name}, run {number} of {RUNS_PER_LANE}: operator {reaction.operator_seconds:.2f} s, "
            f"KEDA {reaction.keda_seconds:.2f} s"
        )
    return reactions


def _summary(seconds: list[float]) -> dict[str, float | list[float]]:
    return {
        "p50_s": round(percentile(seconds, 0.5), 2),
        "p99_s": round(percentile(seconds, 0.99), 2),
        "max_s": round(max(seconds), 2),
        "seconds": sorted(round(each, 3) for each in seconds),
    }


def _conditions(reactions: Sequence[Reaction]) -> dict[str, object]:
    return {
        "goal_p99_s": GOAL_P99_SECONDS,
        "runs": len(reactions),
        "operator_poll_seconds": POLL_SECONDS,
        "keda_version": KEDA.version,
        "keda_polling_seconds": keda.POLLING_SECONDS,
        "hpa_sync_seconds": keda.HPA_SYNC_SECONDS,
        "raised_to": {
            "embedding_operator": sorted({each.operator_replicas for each in reactions}),
            "keda_and_hpa": sorted({each.keda_replicas for each in reactions}),
        },
    }


if __name__ == "__main__":
    main()
