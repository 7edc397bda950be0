"""What the store reports about the gateway of a service."""

from collections.abc import Mapping
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.domain.gateway_routing import RoutePhase, RouteState, RoutingInput
from embedding_operator.kube.gateways import Gateways, route_state_of
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.store import ObjectStore
from embedding_operator.rendering.names import ROUTE, ROUTE_SINCE, engines_name, service_labels

from tests.world.builders import NOON
from tests.world.objects import (
    Body,
    ago,
    condition,
    container,
    embedding_service,
    gateway_pod,
    metadata,
    owned_by,
    pod,
    service,
    stamp,
    waiting,
)


def policy(**fields: Any) -> Body:
    meta = {"labels": service_labels("qwen"), "ownerReferences": owned_by(), **fields}
    return {"kind": "NetworkPolicy", "metadata": metadata(engines_name("qwen"), **meta), "spec": {}}


def seen(*bodies: Body, **gateway: Any) -> RoutingInput:
    store = ObjectStore()
    for body in (embedding_service(creationTimestamp=stamp(ago(1000))), *bodies):
        store.upsert(body["kind"], body)
    reader = Reader(store)
    found = reader.service("search", "qwen")
    assert found is not None
    return Gateways(store=store, reader=reader).routing_input(found, GatewaySpec(**gateway), engines_ready=1, now=NOON)


def test_nothing_is_there_at_first() -> None:
    routing_input = seen()
    assert (routing_input.state, routing_input.pods_ready, routing_input.restricted, routing_input.pod_problem) == (
        None,
        0,
        False,
        None,
    )
    assert (routing_input.wanted, routing_input.pods_wanted, routing_input.engines_ready, routing_input.now) == (
        True,
        2,
        1,
        NOON,
    )
    assert routing_input.keys_source is None


def test_what_the_service_asks_for_is_taken_over() -> None:
    routing_input = seen(enabled=False, replicas=5, api_keys_secret_ref={"name": "clients"})
    assert (routing_input.wanted, routing_input.pods_wanted, routing_input.keys_source) == (False, 5, "clients")


def test_only_ready_pods_of_this_gateway_count() -> None:
    routing_input = seen(
        gateway_pod("ready", ready=ago(5)),
        gateway_pod("starting"),
        gateway_pod("ending", ready=ago(5), deletionTimestamp=stamp(NOON)),
        gateway_pod("over", ready=ago(5), phase="Failed"),
        gateway_pod("of-an-earlier-service", ready=ago(5), created=ago(2000)),
        pod("engine", ready=ago(5)),
    )
    assert routing_input.pods_ready == 1


def test_what_keeps_a_pod_from_starting_is_said() -> None:
    failing = gateway_pod(containers=[container(name="haproxy", state=waiting("ErrImagePull", "no such image"))])
    assert seen(failing).pod_problem == "haproxy: ErrImagePull: no such image"
    nowhere = gateway_pod(conditions=[condition("PodScheduled", "False", reason="Unschedulable", message="0/3 nodes")])
    assert seen(nowhere).pod_problem == "0/3 nodes"


@pytest.mark.parametrize("age", [500, 505])
def test_a_pod_that_waits_for_its_secret_is_overdue_in_words_that_stay(age: float) -> None:
    waits = gateway_pod(created=ago(age), containers=[container(name="agent", state=waiting("PodInitializing"))])
    assert seen(waits).pod_problem == "qwen-gateway-1 takes too long to start"
    assert seen(gateway_pod(created=ago(100))).pod_problem is None


def test_the_policy_of_this_service_closes_its_engines() -> None:
    assert seen(policy()).restricted
    assert not seen(policy(ownerReferences=owned_by("another-uid"))).restricted


def test_the_service_says_where_it_leads() -> None:
    annotations = {ROUTE: "Gateway", ROUTE_SINCE: "2026-06-03T11:59:30+00:00"}
    assert seen(service(annotations=annotations)).state == RouteState(phase=RoutePhase.GATEWAY, since=ago(30))
    assert seen(service()).state == RouteState(phase=RoutePhase.ENGINES, since=None)
    assert seen(service(ownerReferences=[])).state is None


@pytest.mark.parametrize(
    "annotations",
    [
        {ROUTE: "Elsewhere"},
        {ROUTE: "Gateway", ROUTE_SINCE: "yesterday"},
        {ROUTE: "Gateway", ROUTE_SINCE: "9999-12-31T23:59:59-12:00"},
        {ROUTE_SINCE: ""},
    ],
)
def test_unreadable_annotations_count_as_absent(annotations: Mapping[str, str]) -> None:
    assert route_state_of(annotations) == RouteState(phase=RoutePhase.ENGINES, since=None)
