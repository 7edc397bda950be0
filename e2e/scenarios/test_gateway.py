from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.endurance_story import (
    CHANGE_SECONDS,
    FEW,
    FIRST_ANSWERS,
    KEPT_CONNECTIONS,
    LOAD,
    MOST,
    NEW_CONNECTIONS,
    READY_SECONDS,
    WINDOW_SECONDS,
    apply,
    endure,
)
from e2e.scenarios.gateways import gateway_pods
from e2e.scenarios.watching import Watched, sample
from testbed.installation import Installation

pytestmark = pytest.mark.kind

IDLE_SECONDS = 15
EMBED_BODY = '{"model": "any", "input": "The river"}'
OK = 200
CLIENTS = {FIRST_ANSWERS, KEPT_CONNECTIONS, NEW_CONNECTIONS}


def test_nothing_that_happens_to_pods_fails_a_request(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces("e2e-gateway"), sample("day-night")["metadata"]["name"])

    endured = endure(service, clients=Clients(installation, service.namespace))

    assert {name for name, summary in endured.summaries.items() if summary["ok"]} == CLIENTS
    assert [each for each in endured.failures() if not endured.was_computed_by_the_killed(each)] == []
    # The killed engine computed one request after the other: at most one request of each client fails with it.
    assert len(endured.failures()) <= len(CLIENTS), endured.failures()
    # Six replicas on A10 and two on T4: clients that keep their connections reach them all.
    assert len({answer["engine"] for answer in endured.first_answers}) >= MOST + FEW


def test_a_service_gets_behind_its_gateway_and_out_again_without_a_failed_request(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces("e2e-switch"), sample("day-night")["metadata"]["name"])
    clients = Clients(installation, service.namespace)
    apply(service, least=FEW, has_gateway=False)
    service.wait_for_condition("Ready", "True", seconds=READY_SECONDS)
    assert service.condition("GatewayAvailable") == ("False", "GatewayDisabled")
    with (
        clients.load(KEPT_CONNECTIONS, url=service.url, options=LOAD) as kept,
        clients.load(NEW_CONNECTIONS, url=service.url, options=(*LOAD, "--new-connections")) as new,
    ):
        apply(service, least=FEW)
        service.wait_for_condition("GatewayAvailable", "True", seconds=CHANGE_SECONDS)
        service.wait_for(lambda _: _is_closed(service), seconds=CHANGE_SECONDS, purpose="engines are closed to others")
        apply(service, least=FEW, has_gateway=False)
        service.wait_for(lambda _: not gateway_pods(service), seconds=WINDOW_SECONDS, purpose="the gateway is gone")
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


def _is_closed(service: Watched) -> bool:
    """Return whether a NetworkPolicy lets only the gateway reach the engines."""
    policies = service.installation.objects("networkpolicies", f"--namespace={service.namespace}")
    return any(policy["metadata"]["name"] == f"{service.name}-engines" for policy in policies)
