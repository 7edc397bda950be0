from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e.installation import Installation
from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import SERVICE_LABEL, Watched, sample
from e2e.scenarios.window_story import next_minute

pytestmark = pytest.mark.kind

LOAD = ("--rate=3", "--arrivals=constant", "--tokens=32", "--duration=900")
"""100 tokens a second from each of two clients, as much as one replica computes."""
MOST, FEW = 6, 2
CALM_SECONDS = 3.0
READY_SECONDS = 60.0
CHANGE_SECONDS = 120.0
WINDOW_SECONDS = 200.0
IDLE_SECONDS = 15
EMBED_BODY = '{"model": "any", "input": "The river"}'
OK = 200
T4_NODES = "nvidia.com/gpu.product=Tesla-T4"


def test_nothing_that_happens_to_pods_fails_a_request(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces("e2e-gateway"), sample("day-night")["metadata"]["name"])
    clients = Clients(installation, service.namespace)
    _apply(service, least=1)
    service.wait_for_condition("Ready", "True", seconds=READY_SECONDS)
    with (
        clients.load("kept-connections", url=service.url, options=LOAD) as kept,
        clients.load("new-connections", url=service.url, options=(*LOAD, "--new-connections")) as new,
    ):
        _apply(service, least=MOST)
        service.wait_for(lambda sight: sight.serving() == MOST, seconds=CHANGE_SECONDS, purpose="six replicas")
        _delete_a_gateway_pod(service)
        _drain_gateways_from_t4_nodes(service)
        killed_at = _kill_an_engine(service)
        service.wait_for(lambda sight: sight.serving() == MOST, seconds=CHANGE_SECONDS, purpose="six replicas again")
        _apply(service, least=FEW)
        service.wait_for(lambda sight: len(sight.pods) == FEW, seconds=CHANGE_SECONDS, purpose="two replicas")
        _apply(service, least=FEW, night=True)
        service.wait_for(
            lambda sight: len(sight.pods) == sight.serving("t4") == FEW,
            seconds=WINDOW_SECONDS,
            purpose="the handover to T4",
        )
        summaries = {load.name: load.stop() for load in (kept, new)}
    for name, summary in summaries.items():
        assert summary["ok"] > 0, name
        lost = [each for each in summary["failures"] if not _was_computed(each, killed_at=killed_at)]
        assert lost == [], (name, summary)
    # The engine that was killed computed one request after the other: it can take two clients' down with it.
    assert sum(summary["failed"] for summary in summaries.values()) <= 2, summaries


def test_a_service_gets_behind_its_gateway_and_out_again_without_a_failed_request(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces("e2e-switch"), sample("day-night")["metadata"]["name"])
    clients = Clients(installation, service.namespace)
    _apply(service, least=FEW, gateway=False)
    service.wait_for_condition("Ready", "True", seconds=READY_SECONDS)
    assert service.condition("GatewayAvailable") == ("False", "GatewayDisabled")
    with (
        clients.load("kept-connections", url=service.url, options=LOAD) as kept,
        clients.load("new-connections", url=service.url, options=(*LOAD, "--new-connections")) as new,
    ):
        _apply(service, least=FEW, gateway=True)
        service.wait_for_condition("GatewayAvailable", "True", seconds=CHANGE_SECONDS)
        service.wait_for(lambda _: _is_closed(service), seconds=CHANGE_SECONDS, purpose="engines are closed to others")
        _apply(service, least=FEW, gateway=False)
        service.wait_for(lambda _: not _gateway_pods(service), seconds=WINDOW_SECONDS, purpose="the gateway is gone")
        summaries = {load.name: load.stop() for load in (kept, new)}
    assert not _is_closed(service)
    for name, summary in summaries.items():
        assert summary["ok"] > 0, name
        assert summary["failed"] == 0, (name, summary)


def test_a_request_to_a_sleeping_service_is_held_until_an_engine_is_ready(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces("e2e-zero"), sample("queue")["metadata"]["name"])
    clients = Clients(installation, service.namespace)
    document = sample("queue")
    document["spec"]["pools"][0]["minReplicas"] = 0
    document["spec"]["scaling"]["idleSeconds"] = IDLE_SECONDS
    installation.apply(document, namespace=service.namespace)

    service.wait_for_condition("GatewayAvailable", "True", seconds=READY_SECONDS)
    assert clients.post(f"{service.url}/v1/embeddings", body=EMBED_BODY) == OK
    service.wait_for(lambda sight: sight.wanted == 0 and not sight.pods, seconds=CHANGE_SECONDS, purpose="sleep")

    assert clients.post(f"{service.url}/v1/embeddings", body=EMBED_BODY) == OK
    assert service.sight().serving() == 1


def _apply(service: Watched, *, least: int, night: bool = False, gateway: bool = True) -> None:
    document = sample("day-night")
    spec: dict[str, Any] = document["spec"]
    spec["gateway"] = {"enabled": gateway}
    spec["pools"][0].update(minReplicas=least, maxReplicas=MOST)
    if night:
        opens = next_minute(datetime.now(UTC))
        spec["schedule"]["windows"][0].update(start=f"{opens:%H:%M}", end=f"{opens + timedelta(hours=1):%H:%M}")
    else:
        del spec["schedule"]
    service.installation.apply(document, namespace=service.namespace)


def _delete_a_gateway_pod(service: Watched) -> None:
    pods = _gateway_pods(service)
    place = f"--namespace={service.namespace}"
    service.installation.cluster.kubectl("delete", "pod", pods[0], place, "--wait=false")
    _wait_for_gateways(service, gone=pods[:1])


def _drain_gateways_from_t4_nodes(service: Watched) -> None:
    cluster = service.installation.cluster
    drain = ("drain", f"--selector={T4_NODES}", "--ignore-daemonsets", "--delete-emptydir-data")
    gateways = f"--pod-selector={SERVICE_LABEL}={service.name}"
    try:
        cluster.kubectl(*drain, gateways, f"--timeout={CHANGE_SECONDS:.0f}s", timeout_seconds=CHANGE_SECONDS + 10)
        _wait_for_gateways(service, gone=())
    finally:
        cluster.kubectl("uncordon", f"--selector={T4_NODES}")


def _kill_an_engine(service: Watched) -> float:
    """End the container of an engine at once; return when."""
    engine = service.sight().pods[0]
    place = f"--namespace={service.namespace}"
    killed_at = time.time()
    service.installation.cluster.kubectl("delete", "pod", engine.name, place, "--force", "--grace-period=0")
    return killed_at


def _was_computed(failure: dict[str, Any], *, killed_at: float) -> bool:
    ended_at = failure["sent_at"] + failure["seconds"]
    return bool(failure["sent_at"] - CALM_SECONDS <= killed_at <= ended_at + CALM_SECONDS)


def _is_closed(service: Watched) -> bool:
    """Whether a policy closes the engines to everybody but the gateway."""
    return bool(service.installation.objects("networkpolicies", f"--namespace={service.namespace}"))


def _gateway_pods(service: Watched) -> list[str]:
    selection = f"--selector={SERVICE_LABEL}={service.name},app.kubernetes.io/component=gateway"
    found = service.installation.objects("pods", f"--namespace={service.namespace}", selection)
    return [body["metadata"]["name"] for body in found]


def _wait_for_gateways(service: Watched, *, gone: list[str] | tuple[str, ...]) -> None:
    service.wait_for(
        lambda _: not set(gone) & set(_gateway_pods(service)), seconds=CHANGE_SECONDS, purpose="a gateway pod is gone"
    )
    deployment = f"deployment/{service.name}-gateway"
    place, limit = f"--namespace={service.namespace}", f"--timeout={CHANGE_SECONDS:.0f}s"
    service.installation.cluster.kubectl(
        "rollout", "status", deployment, place, limit, timeout_seconds=CHANGE_SECONDS + 10
    )
