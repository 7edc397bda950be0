"""`make demo`: a cluster on this machine, the operator, real text through the real SGLang, load, and a night window.

Everything shown really runs, on a kind cluster with an A10 node and a T4 node that have no GPUs. Text goes to the real
SGLang on CPU; load and the switch of pools use a fake engine that takes as long as a GPU would.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from e2e.demo.screen import watch
from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched, sample
from testbed.cluster import ClusterError
from testbed.cluster.progress import Progress
from testbed.harness.conditions import condition_of
from testbed.installation import Installation, install

NAMESPACE = "demo"
TEXTS = ("How do I reset my password?", "I forgot the password of my account.", "The train to Vienna is late today.")
ENGINE_SECONDS = 300.0
SCALE_SECONDS = 120.0
SWITCH_SECONDS = 300.0
NIGHT_SECONDS = 80.0
"""Earliest start of the night after the service is applied: twice what the load step takes."""


def main() -> None:
    """Run the demo; exit with status 1 and one clear sentence if it cannot continue."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        _run(console)
    except (ClusterError, AssertionError) as error:
        sys.exit(f"demo: {error}")


def _run(console: Console) -> None:
    started = time.monotonic()
    console.rule("[bold]1. A cluster with an A10 node and a T4 node, and the operator")
    installation = install(progress=Progress(console=console))
    installation.make_namespace(NAMESPACE)
    clients = Clients(installation, NAMESPACE)
    try:
        _real_text(console, installation, clients)
        _load_and_night(console, installation, clients)
    finally:
        installation.delete_namespaces(NAMESPACE)
    console.rule(f"[bold]Done in {(time.monotonic() - started) / 60:.1f} minutes")
    console.print("The cluster is still running. To look around:")
    console.print(f"  kubectl --kubeconfig {installation.cluster.kubeconfig} get gpupools,embeddingservices -A")
    console.print("To remove it: make clean")


def _real_text(console: Console, installation: Installation, clients: Clients) -> None:
    console.rule("[bold]2. Real text through a real engine")
    installation.offer_model(namespace=NAMESPACE)
    document = sample("minilm")
    service = Watched(installation, NAMESPACE, document["metadata"]["name"])
    console.print(f"$ kubectl apply -f e2e/samples/minilm.yaml   # {service.name}, on the pool of CPU engines")
    installation.apply(document, namespace=NAMESPACE)
    _watch_ready(console, service, title="SGLang starts", seconds=ENGINE_SECONDS)
    vectors = clients.embeddings(url=service.url, model=service.name, texts=TEXTS)
    console.print(f"{len(vectors)} vectors of {len(vectors[0])} dimensions from {service.url}/v1/embeddings,")
    console.print("each with its cosine similarity to the first:")
    for text, vector in zip(TEXTS, vectors, strict=True):
        console.print(f"  {_cosine(vectors[0], vector):6.3f}  {text}")
    installation.cluster.kubectl("delete", f"--namespace={NAMESPACE}", "embeddingservice", service.name)


def _load_and_night(console: Console, installation: Installation, clients: Clients) -> None:
    document, opens = _with_night(sample("day-night"))
    service = Watched(installation, NAMESPACE, document["metadata"]["name"])
    console.rule("[bold]3. Load")
    console.print(f"{service.name}: 1 to 4 replicas on A10; from {opens:%H:%M} UTC, 1 to 4 on T4")
    installation.apply(document, namespace=NAMESPACE)
    _watch_ready(console, service, title="Engines start", seconds=SCALE_SECONDS)
    rate = ("--rate", "8", "--tokens", "30", "--duration", "900", "--new-connections")
    with clients.load("requests", url=service.url, options=rate) as load:
        console.print("Sending 8 requests per second of 30 tokens each; one replica computes 200 tokens per second")
        watch(
            console,
            title="More load than one replica can serve",
            look=service.status,
            # T4 replicas start before the window opens, whatever the load.
            until=lambda status: _pool(status, "a10").get("ready", 0) >= 2,
            seconds=SCALE_SECONDS,
        )
        console.rule(f"[bold]4. The night window opens at {opens:%H:%M} UTC, under load")
        status = watch(
            console,
            title="T4 replicas become Ready before A10 replicas are removed",
            look=service.status,
            until=_is_night,
            seconds=SWITCH_SECONDS,
        )
        summary = load.stop()
    _judge(console, summary, switched=_is_night(status))


def _judge(console: Console, summary: Mapping[str, Any], *, switched: bool) -> None:
    style = "green" if switched and not summary["failed"] else "red"
    console.print(
        f"[{style}]{summary['sent']} requests, {summary['ok']} answered, {summary['failed']} failed[/{style}]"
    )
    if not switched:
        raise AssertionError("the service did not move to the T4 pool in time; see the operator's log")
    if summary["failed"]:
        message = f"requests failed, but none should: {summary['failures_by_cause']}"
        raise AssertionError(message)


def _with_night(document: dict[str, Any]) -> tuple[dict[str, Any], datetime]:
    """Return the service with one replica by day and a window that opens within minutes, and its opening time."""
    service = deepcopy(document)
    latest = datetime.now(UTC) + timedelta(seconds=NIGHT_SECONDS + 60)
    opens = latest.replace(second=0, microsecond=0)
    window = service["spec"]["schedule"]["windows"][0]
    window.update(start=f"{opens:%H:%M}", end=f"{opens + timedelta(hours=1):%H:%M}")
    for bounds in (service["spec"]["pools"][0], window["pools"][0]):
        bounds.update(minReplicas=1, maxReplicas=4)
    return service, opens


def _is_night(status: Mapping[str, Any]) -> bool:
    moved = _pool(status, "t4").get("ready", 0) > 0 and _pool(status, "a10").get("desired", 1) == 0
    return moved and (status.get("schedule") or {}).get("window") is not None


def _is_ready(status: Mapping[str, Any]) -> bool:
    """Return whether the replicas and the gateway in front of them serve."""
    return condition_of(status, "Ready")[0] == "True"


def _pool(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the status of one pool; empty if there is none yet."""
    return next((pool for pool in status.get("pools", []) if pool["gpuPool"] == name), {})


def _watch_ready(console: Console, service: Watched, *, title: str, seconds: float) -> None:
    status = watch(console, title=title, look=service.status, until=_is_ready, seconds=seconds)
    if not _is_ready(status):
        message = f"{service.name} did not become Ready within {seconds:.0f} s\n{service.installation.operator_log()}"
        raise AssertionError(message)


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    product = math.fsum(one * other for one, other in zip(left, right, strict=True))
    return product / (math.hypot(*left) * math.hypot(*right))


if __name__ == "__main__":
    main()
