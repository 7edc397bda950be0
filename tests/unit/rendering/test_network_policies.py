"""Who reaches gateways, and where engines connect to."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.model import ModelSpec
from embedding_operator.gateway_contract import AGENT_PORT, METRICS_PORT
from embedding_operator.rendering.child import ServiceRef
from embedding_operator.rendering.network_policies import engines_policy, gateway_policy

from tests.golden import cases

SERVICE = ServiceRef(namespace="team", name="search", uid="uid")
DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
PROXY = {"ports": [{"port": 3128}], "to": [{"namespaceSelector": {}}]}


def egress(model: dict[str, Any], **defaults: Any) -> list[dict[str, Any]]:
    """Return the rules for the connections that engines of `model` open."""
    policy = engines_policy(SERVICE, ModelSpec.model_validate(model), defaults=replace(cases.GATEWAY, **defaults))
    assert policy.body["spec"]["policyTypes"] == ["Ingress", "Egress"]
    rules: list[dict[str, Any]] = policy.body["spec"]["egress"]
    return rules


@pytest.mark.parametrize("model", [{"volume": {"claimName": "models"}}, {"image": {"reference": "x"}}])
def test_a_model_that_is_mounted_needs_no_server(model: dict[str, Any]) -> None:
    assert egress(model) == [DNS]
    assert egress(model, engine_egress=(PROXY,)) == [DNS, PROXY]


@pytest.mark.parametrize(
    ("endpoint", "ports"),
    [
        (None, [443]),
        ("https://mirror.example.com", [443]),
        ("http://mirror.hub.svc", [80, 443]),
        ("http://mirror.hub.svc:8080/hf", [443, 8080]),
        ("https://[broken", [443]),
        ("http://mirror:99999", [443]),
        ("http://mirror:0", [80, 443]),
    ],
)
def test_engines_reach_the_server_of_their_model(endpoint: str | None, ports: list[int]) -> None:
    source = {"repo": "a/b"} | ({} if endpoint is None else {"endpoint": endpoint})
    dns, hub = egress({"huggingFace": source})
    assert dns == DNS
    assert [each["port"] for each in hub["ports"]] == ports
    assert ({"namespaceSelector": {}} in hub["to"]) is (endpoint is not None)


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("169.254.169.254", False),
        ("169.254.170.2", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("18.155.173.29", True),
        ("10.0.0.7", True),
        ("2600:9000::1", True),
    ],
)
def test_no_rule_for_the_hub_covers_link_local_addresses(address: str, reached: bool) -> None:  # noqa: FBT001
    _, hub = egress({"huggingFace": {"repo": "a/b"}})
    found = ip_address(address)

    def covers(block: dict[str, Any]) -> bool:
        return found in ip_network(block["cidr"]) and not any(found in ip_network(each) for each in block["except"])

    assert any(covers(peer["ipBlock"]) for peer in hub["to"]) is reached


def test_a_gateway_is_open_for_requests_and_its_metrics_for_few() -> None:
    (policy,) = gateway_policy(SERVICE, client_port=8080, defaults=cases.GATEWAY)
    requests, metrics = policy.body["spec"]["ingress"]
    assert requests == {"ports": [{"port": 8080, "protocol": "TCP"}]}
    assert [each["port"] for each in metrics["ports"]] == [METRICS_PORT, AGENT_PORT]
    operator, readers = metrics["from"]
    assert operator["podSelector"]["matchLabels"] == dict(cases.GATEWAY.operator_labels)
    assert readers["namespaceSelector"]["matchExpressions"][0]["values"] == ["monitoring"]


def test_the_restrictions_can_be_turned_off() -> None:
    off = replace(cases.GATEWAY, restrict_networks=False)
    assert gateway_policy(SERVICE, client_port=8080, defaults=off) == ()
    spec = engines_policy(SERVICE, ModelSpec.model_validate({"huggingFace": {"repo": "a/b"}}), defaults=off).body[
        "spec"
    ]
    assert spec["policyTypes"] == ["Ingress"]
    assert "egress" not in spec
