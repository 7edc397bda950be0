from typing import Any

import pytest
from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase, endpoints

from tests.unit.gateway.slices import READY, TERMINATING, UNREADY, Conditions, endpoint, endpoint_slice


def found(*slices: dict[str, Any]) -> tuple[Endpoint, ...]:
    return endpoints(slices, port_name="http", max_connections=32)


def test_every_pod_of_every_slice_is_an_endpoint() -> None:
    first = endpoint_slice(endpoint("b", "10.0.0.2"), endpoint("c", "10.0.0.3"), name="one")
    second = endpoint_slice(endpoint("a", "10.0.0.1"), name="two", port=30001)
    assert [(each.name, each.address, each.port) for each in found(first, second)] == [
        ("a", "10.0.0.1", 30001),
        ("b", "10.0.0.2", 30000),
        ("c", "10.0.0.3", 30000),
    ]


@pytest.mark.parametrize(
    ("conditions", "phase"),
    [
        (READY, EndpointPhase.READY),
        (UNREADY, EndpointPhase.UNREADY),
        (TERMINATING, EndpointPhase.TERMINATING),
        ({"ready": True, "terminating": True}, EndpointPhase.TERMINATING),
        ({}, EndpointPhase.READY),
        ({"ready": None, "serving": None, "terminating": None}, EndpointPhase.READY),
    ],
)
def test_phase_follows_the_conditions(conditions: Conditions, phase: EndpointPhase) -> None:
    (only,) = found(endpoint_slice(endpoint("a", "10.0.0.1", conditions=conditions)))
    assert only.phase is phase


def test_a_pod_with_both_address_families_is_one_endpoint_with_its_ipv4_address() -> None:
    six = endpoint_slice(endpoint("a", "fd00::1"), family="IPv6", name="six")
    four = endpoint_slice(endpoint("a", "10.0.0.1"), name="four")
    assert [each.address for each in found(six, four)] == ["10.0.0.1"]


def test_a_pod_with_ipv6_alone_is_an_endpoint_with_the_address_as_haproxy_shows_it() -> None:
    (only,) = found(endpoint_slice(endpoint("a", "fd00:0:0:0::0001"), family="IPv6"))
    assert only.address == "fd00::1"


@pytest.mark.parametrize("other", [READY, UNREADY])
def test_a_pod_that_terminates_in_one_of_two_slices_terminates(other: Conditions) -> None:
    one = endpoint_slice(endpoint("a", "10.0.0.1", conditions=other), name="one")
    two = endpoint_slice(endpoint("a", "10.0.0.1", conditions=TERMINATING), name="two")
    assert [each.phase for each in found(one, two)] == [EndpointPhase.TERMINATING]
    assert found(one, two) == found(two, one)


def test_of_two_pods_with_one_name_the_one_that_does_not_end_is_meant() -> None:
    old = endpoint("a", "10.0.0.1", conditions=TERMINATING, uid="1")
    new = endpoint("a", "10.0.0.9", uid="2")
    assert [(each.uid, each.address) for each in found(endpoint_slice(old, new))] == [("2", "10.0.0.9")]


@pytest.mark.parametrize(
    "foreign",
    [
        endpoint_slice(endpoint("a", "10.0.0.1", kind="Node")),
        endpoint_slice(endpoint("a", "example.org"), family="FQDN"),
        endpoint_slice(endpoint("a", "10.0.0.1"), port_name="metrics"),
        endpoint_slice(endpoint("a; shutdown sessions", "10.0.0.1")),
        endpoint_slice(endpoint("a", "10.0.0.1;show env")),
        endpoint_slice({"addresses": ["10.0.0.1"], "conditions": READY}),
        endpoint_slice({**endpoint("a", "10.0.0.1"), "addresses": []}),
        {**endpoint_slice(), "endpoints": None, "ports": None},
    ],
)
def test_what_is_no_reachable_pod_is_no_endpoint(foreign: dict[str, Any]) -> None:
    assert found(foreign) == ()


@pytest.mark.parametrize(("label", "limit"), [("7", 7), ("0", 32), ("-1", 32), ("many", 32), ("", 32)])
def test_a_slice_may_say_how_many_requests_its_engines_get(label: str, limit: int) -> None:
    labels = {"embedding-operator.io/max-connections": label}
    (only,) = found(endpoint_slice(endpoint("a", "10.0.0.1"), labels=labels))
    assert only.max_connections == limit
