"""Measures the operator at rest with 1, 100 and 1,000 services: memory, CPU and writes to the API server.

Every service has one Ready replica on a KWOK node. A fake engine answers at each pod's own address, so the operator
polls every replica's metrics every 5 s, as in a real cluster. Each size begins without services, with a new process.

Run it with `python -m benchmarks footprint`, which creates the control plane.
"""

import os
import re
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from embedding_operator.rendering.names import PORT

from benchmarks.audit_tail import LEASES, AuditTail, by_resource
from benchmarks.process_cost import cost_of
from benchmarks.results_file import write
from testbed.cluster import ControlPlane
from testbed.cluster.progress import Progress
from testbed.harness.engine_fleet import running_fleet
from testbed.harness.installation import GPUS_PER_NODE, NAMESPACE, USERNAME, install, write_kubeconfig
from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import World, own_namespace, service
from testbed.waiting import eventually

SIZES = (1, 100, 1000)
POLL_SECONDS = 5.0
BATCH = 250
READY_SECONDS = 900.0
GONE_SECONDS = 120.0
LEAST_REST_SECONDS = 90.0
"""Longer than the minute of samples that the operator keeps: its memory grows until then."""
QUIET_SECONDS = 30.0
SETTLE_SECONDS = 300.0
WINDOW_SECONDS = 60.0
GOALS = {"memory_mib": 500, "cpu_cores": 1.0, "writes_at_rest": 0}

SELF_POLLS = re.compile(r'^sglang:http_requests_total\{endpoint="/metrics",.*\} (\S+)$', re.MULTILINE)

Figures = dict[str, object]


def main() -> None:
    """Measure all sizes, print and write the result."""
    progress = Progress()
    load = os.getloadavg()
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder, running_fleet(Path(folder) / "engines.log"):
        install()
        with progress.step("adding GPU nodes", usual_seconds=20):
            nodes = -(-max(SIZES) // GPUS_PER_NODE)
            ControlPlane(progress=progress).add_gpu_nodes(product="NVIDIA-A10", count=nodes, gpus=GPUS_PER_NODE)
        for size in SIZES:
            with progress.step(f"{size} services"):
                figures[str(size)] = _measure(size, folder=Path(folder), progress=progress)
                progress.note(f"{size} services: {figures[str(size)]}")
    conditions = {"goals": GOALS, "operator_poll_seconds": POLL_SECONDS, "window_seconds": WINDOW_SECONDS}
    print(write("footprint", {**conditions, "load_average_before": load, "services": figures}))


def _measure(size: int, *, folder: Path, progress: Progress) -> Figures:
    operator = OperatorProcess(
        name="benchmark",
        namespace=NAMESPACE,
        kubeconfig=write_kubeconfig(folder / "kubeconfig"),
        log=folder / f"operator-{size}.log",
        poll_seconds=POLL_SECONDS,
    )
    eventually("the services of the previous size are gone", lambda: not _pods(), seconds=GONE_SECONDS)
    with ExitStack() as running:
        world = running.enter_context(own_namespace())
        running.callback(operator.kill)
        operator.start_and_lead()
        ready_seconds = _apply(size, world=world, progress=progress)
        tail = AuditTail(ControlPlane().audit_log, username=USERNAME)
        settled_seconds = _settle(tail, progress=progress)
        return {
            "ready_seconds": round(ready_seconds, 1),
            "settled_seconds": round(settled_seconds),
            **_at_rest(operator, tail=tail, engine=_some_engine(world), progress=progress),
        }


def _apply(size: int, *, world: World, progress: Progress) -> float:
    """Apply all services and return the seconds from the first request until all are Ready."""
    documents = [service(f"service-{number:04}") for number in range(size)]
    begun = time.monotonic()
    with progress.step("applying"):
        for start in range(0, size, BATCH):
            world.apply(*documents[start : start + BATCH])
    with progress.step("waiting until all are Ready"):
        eventually("all are Ready", lambda: _ready(world) == size, seconds=READY_SECONDS)
    return time.monotonic() - begun


def _settle(tail: AuditTail, *, progress: Progress) -> float:
    """Return the seconds until the operator stopped writing, at most `SETTLE_SECONDS`."""
    begun = written = time.monotonic()
    with progress.step("waiting until nothing is written", usual_seconds=LEAST_REST_SECONDS):
        while (now := time.monotonic()) - begun < SETTLE_SECONDS:
            if any(each.resource != LEASES for each in tail.new_writes()):
                written = now
            if now - begun >= LEAST_REST_SECONDS and now - written >= QUIET_SECONDS:
                break
            time.sleep(1)
    return written - begun


def _at_rest(operator: OperatorProcess, *, tail: AuditTail, engine: str, progress: Progress) -> Figures:
    with progress.step("measuring", usual_seconds=WINDOW_SECONDS):
        tail.new_writes()
        polls, before, begun = _polls(engine), cost_of(operator.pid), time.monotonic()
        time.sleep(WINDOW_SECONDS)
        after, seconds = cost_of(operator.pid), time.monotonic() - begun
        found = tail.new_writes()
        polled = _polls(engine) - polls - 1
    other = [each for each in found if each.resource != LEASES]
    return {
        "memory_mib": round(after.resident_mib, 1),
        "peak_memory_mib": round(after.peak_mib, 1),
        "cpu_cores": round((after.cpu_seconds - before.cpu_seconds) / seconds, 3),
        "writes_at_rest": len(other),
        "writes_by_resource": by_resource(other),
        "lease_writes": len(found) - len(other),
        "polls_of_an_engine": polled,
    }


def _ready(world: World) -> int:
    path = 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
    listed = kubectl("get", "embeddingservices", f"--namespace={world.namespace}", f"--output={path}")
    return listed.split().count("True")


def _pods() -> str:
    return kubectl("get", "pods", "--all-namespaces", "--output=name")


def _some_engine(world: World) -> str:
    return kubectl("get", "pods", f"--namespace={world.namespace}", "--output=jsonpath={.items[0].status.podIP}")


def _polls(engine: str) -> int:
    """Return how often the metrics of an engine were polled, including this time."""
    with urllib.request.urlopen(f"http://{engine}:{PORT}/metrics", timeout=10) as answer:
        found = SELF_POLLS.search(answer.read().decode())
    return 0 if found is None else int(float(found.group(1)))


if __name__ == "__main__":
    main()
