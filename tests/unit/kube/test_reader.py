"""Typed views of what the store holds."""

from typing import Any

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.gateway_contract import METRICS_PORT
from embedding_operator.kube.metadata import TEMPLATE_HASH
from embedding_operator.kube.reader import GatewayPod, PoolObject, Reader, Refusal, ServiceObject
from embedding_operator.kube.store import ObjectStore
from embedding_operator.rendering.gateway_config import GatewayConfig

from tests.world.builders import NOON
from tests.world.objects import (
    Body,
    ago,
    changed,
    condition,
    deployment,
    embedding_service,
    gateway_pod,
    namespace,
    pod,
    replica_set,
    without_label,
)


def store_of(*bodies: Body) -> ObjectStore:
    store = ObjectStore()
    for body in bodies:
        store.upsert(body["kind"], body)
    return store


def service_of(store: ObjectStore) -> ServiceObject:
    service = Reader(store).service("search", "qwen")
    assert service is not None
    return service


def pools_of(*bodies: Body, startup: float = 300.0) -> tuple[PoolObject, ...]:
    store = store_of(embedding_service(), *bodies)
    return Reader(store).pools(service_of(store), now=NOON, startup_seconds=lambda _: startup)


def test_a_service_as_it_is_stored() -> None:
    body = embedding_service(
        status={"replicas": 2}, generation=7, labels={"team": "search"}, annotations={"note": "mine"}
    )
    service = service_of(store_of(body))
    assert (service.namespace, service.name, service.uid) == ("search", "qwen", "service-uid")
    assert (service.generation, service.created_at, service.deleting) == (7, ago(3600), False)
    assert service.labels == {"team": "search"}
    assert (service.spec, service.status) == (body["spec"], {"replicas": 2})


def test_a_service_without_anything_optional() -> None:
    body = embedding_service(deletionTimestamp="2026-06-03T12:00:00Z")
    del body["spec"], body["metadata"]["generation"]
    service = service_of(store_of(body))
    assert (service.spec, service.status, service.labels, service.generation) == ({}, {}, {}, 0)
    assert service.deleting


def test_a_namespace_is_ending_once_it_is_deleted() -> None:
    reader = Reader(store_of(namespace("search"), namespace("old", deletionTimestamp="2026-06-03T12:00:00Z")))
    assert [reader.namespace_is_ending(name) for name in ("search", "old", "unknown")] == [False, True, False]


def test_services_by_name() -> None:
    other = changed(embedding_service(uid="other"), "metadata", "name", to="bge")
    reader = Reader(store_of(embedding_service(), other))
    assert [service.name for service in reader.services()] == ["bge", "qwen"]
    assert reader.service("search", "unknown") is None


def test_pools_with_their_replicas_and_pods() -> None:
    a10, t4 = pools_of(
        deployment("t4", replicas=0),
        deployment("a10", replicas=3),
        pod("a", pool="a10", ready=ago(40)),
        pod("b", pool="a10", address=None),
        pod("c", pool="t4"),
    )
    assert (a10.pool, a10.replicas) == ("a10", 3)
    assert (t4.pool, t4.replicas, [each.replica.name for each in t4.pods]) == ("t4", 0, ["c"])
    ready, starting = a10.pods
    assert (ready.replica.uid, ready.replica.ready_since, ready.replica.created_at) == ("a-uid", ago(40), ago(600))
    assert (ready.endpoint, ready.pool) == ("http://10.0.0.7:30000", "a10")
    assert (starting.replica.ready_since, starting.endpoint) == (None, None)


def test_ready_pods_that_the_watch_of_pods_has_not_told_yet_are_counted() -> None:
    (pool,) = pools_of(deployment(replicas=4), pod("a", ready=ago(40)), pod("b"))
    assert pool.unseen == 3
    (ahead,) = pools_of(deployment(replicas=1), pod("a", ready=ago(40)), pod("b", ready=ago(40)))
    assert ahead.unseen == 0


def test_an_address_of_ip_version_6_is_written_in_brackets() -> None:
    (pool,) = pools_of(deployment(), pod(address="fd00::7"))
    assert pool.pods[0].endpoint == "http://[fd00::7]:30000"


def test_a_stuck_pod_says_why() -> None:
    (pool,) = pools_of(deployment(), pod(created=ago(700)))
    assert pool.pods[0].replica.stuck is Reason.START_OVERDUE
    assert pool.pods[0].stuck is not None
    (patient,) = pools_of(deployment(), pod(created=ago(700)), startup=400)
    assert patient.pods[0].replica.stuck is None


@pytest.mark.parametrize(
    "gone",
    [
        pod(deletionTimestamp="2026-06-03T12:00:00Z", ready=ago(9)),
        pod(phase="Failed"),
        pod(phase="Succeeded"),
        pod(created=ago(3601), ready=ago(9)),
        without_label(pod(ready=ago(9))),
        pod(ready=ago(9), ownerReferences=[]),
        pod(ready=ago(9), ownerReferences=[replica_set("other-a10")]),
        pod(ready=ago(9), ownerReferences=[{**replica_set("qwen-a10"), "kind": "Job"}]),
        pod(ready=ago(9), ownerReferences=[{**replica_set("qwen-a10"), "controller": False}]),
        without_label(pod(ready=ago(9)), TEMPLATE_HASH),
    ],
    ids=[
        "terminating",
        "failed",
        "over",
        "of an earlier service",
        "of no pool",
        "made by hand",
        "of another Deployment",
        "of a Job",
        "not controlled",
        "without a template",
    ],
)
def test_pods_that_do_not_count(gone: Body) -> None:
    (pool,) = pools_of(deployment(), gone)
    assert pool.pods == ()


@pytest.mark.parametrize(
    "foreign",
    [
        deployment(owner="earlier-uid"),
        deployment(ownerReferences=[]),
        without_label(deployment()),
        without_label(deployment(), "embedding-operator.io/service"),
    ],
    ids=["of an earlier service", "without owner", "of no pool", "of no service"],
)
def test_deployments_that_do_not_count(foreign: Body) -> None:
    assert pools_of(foreign) == ()


def refusing(message: str) -> Body:
    failure: list[Any] = [condition("ReplicaFailure", "True", reason="FailedCreate", message=message)]
    return changed(deployment(), "status", "conditions", to=failure)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1', Reason.QUOTA_EXCEEDED),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', Reason.FORBIDDEN),
        ('admission webhook "policy" denied the request: no', Reason.FORBIDDEN),
        ("Internal error occurred: failed calling webhook", None),
    ],
)
def test_pods_that_the_cluster_refuses(message: str, reason: Reason | None) -> None:
    (pool,) = pools_of(refusing(message))
    assert pool.refusal == Refusal(reason=reason, message=message)


def test_a_refusal_that_is_over_is_none() -> None:
    over = changed(deployment(), "status", "conditions", to=[condition("ReplicaFailure", "False")])
    (pool,) = pools_of(over)
    assert pool.refusal is None


def gateways_of(*bodies: Body) -> tuple[GatewayPod, ...]:
    store = store_of(embedding_service(), *bodies)
    return Reader(store).gateway_pods(service_of(store), now=NOON)


def test_gateway_pods_and_where_their_metrics_are() -> None:
    ready = gateway_pod("a", ready=ago(40))
    starting = gateway_pod("b", address="fd00::7", created=ago(60))
    assert gateways_of(ready, starting, pod("engine", ready=ago(9))) == (
        GatewayPod(uid="a-uid", endpoint="http://10.0.0.7:8404", is_ready=True),
        GatewayPod(uid="b-uid", endpoint="http://[fd00::7]:8404", is_ready=False),
    )


def test_a_gateway_pod_says_whose_keys_it_requires() -> None:
    (keyed,) = gateways_of(gateway_pod(annotations={"embedding-operator.io/required-keys": "clients"}))
    assert keyed.required_keys == "clients"


def test_a_gateway_pod_that_leaves_may_still_hold_requests() -> None:
    (leaving,) = gateways_of(gateway_pod(ready=ago(40), deletionTimestamp="2026-06-03T12:00:00Z"))
    assert (leaving.is_ready, leaving.is_terminating) == (False, True)


def test_a_gateway_pod_without_an_address_cannot_be_polled_yet() -> None:
    (starting,) = gateways_of(gateway_pod(address=None))
    assert starting.endpoint is None


@pytest.mark.parametrize(
    "gone",
    [
        gateway_pod(phase="Failed"),
        gateway_pod(phase="Succeeded"),
        gateway_pod(created=ago(3601)),
        gateway_pod(ownerReferences=[]),
        gateway_pod(ownerReferences=[replica_set("qwen-a10")]),
    ],
    ids=["failed", "over", "of an earlier service", "made by hand", "of the engines' Deployment"],
)
def test_gateway_pods_that_do_not_count(gone: Body) -> None:
    assert gateways_of(gone) == ()


def test_gateway_pods_are_on_no_pool() -> None:
    (pool,) = pools_of(deployment(), gateway_pod(ready=ago(9)))
    assert pool.pods == ()


def test_the_metrics_of_a_gateway_are_where_its_configuration_puts_them() -> None:
    assert GatewayConfig(service="qwen", namespace="search").metrics_port == METRICS_PORT
