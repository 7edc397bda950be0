"""The gateway in front of the engines: for every service that the schema accepts, and for each phase of its route."""

from dataclasses import replace
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.embedding_service import MAX_NAME_WITH_GATEWAY, EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.kubernetes_types import Toleration
from embedding_operator.domain.gateway_routing import ENGINES_ONLY, GATEWAY_ONLY, Route, RoutePhase, RouteState
from embedding_operator.gateway.settings import Settings as AgentSettings
from embedding_operator.gateway_contract import MAX_CONNECTIONS_LABEL
from embedding_operator.rendering import names
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.renderer import EngineDefaults, ServiceRef, render_service
from hypothesis import given

from tests.chart.pod_security import restricted_violations
from tests.golden import cases
from tests.unit.rendering.specs import pool_maps, service_specs
from tests.world.builders import NOON, service

GATEWAY_ALONE = frozenset(
    {
        "ServiceAccount search-gateway",
        "RoleBinding search-gateway",
        "ConfigMap search-gateway",
        "NetworkPolicy search-gateway",
    }
)
LEAVING = Route(state=RouteState(phase=RoutePhase.LEAVING, since=NOON), gateway=True, restricted=False)
LINGERING = Route(state=RouteState(phase=RoutePhase.ENGINES, since=NOON), gateway=True, restricted=False)

Body = dict[str, Any]


def rendered(
    spec: EmbeddingServiceSpec,
    *,
    name: str = "search",
    route: Route = GATEWAY_ONLY,
    pools: dict[str, GPUPoolSpec] | None = None,
    user: int | None = 65532,
    connection_limit: int | None = None,
    **defaults: Any,
) -> tuple[Manifest, ...]:
    return render_service(
        ServiceRef(namespace="team", name=name, uid="uid"),
        spec,
        pools=cases.shipped_pools() if pools is None else pools,
        replicas={},
        route=route,
        settings=EngineDefaults(image="engine:1", user=user),
        gateway=replace(cases.GATEWAY, **defaults),
        connection_limit=connection_limit,
    )


def with_gateway(**fields: Any) -> EmbeddingServiceSpec:
    return service("search").on("a10").having(gateway=fields).spec()


def one(manifests: tuple[Manifest, ...], kind: str, name: str) -> Body:
    (found,) = (manifest.body for manifest in manifests if (manifest.kind, manifest.name) == (kind, name))
    return found


def template_of(manifests: tuple[Manifest, ...]) -> Body:
    template: Body = one(manifests, "Deployment", "search-gateway")["spec"]["template"]
    return template


def container(manifests: tuple[Manifest, ...], name: str) -> Body:
    pod = template_of(manifests)["spec"]
    (found,) = (each for each in [*pod["initContainers"], *pod["containers"]] if each["name"] == name)
    body: Body = found
    return body


def volumes_of(each: Body) -> set[str]:
    return {mount["name"] for mount in each["volumeMounts"]}


@given(spec=service_specs(), pools=pool_maps())
def test_every_service_gets_a_restricted_gateway(spec: EmbeddingServiceSpec, pools: dict[str, GPUPoolSpec]) -> None:
    manifests = rendered(spec, pools=pools)
    pod = template_of(manifests)["spec"]
    assert restricted_violations(pod) == []
    assert pod["automountServiceAccountToken"] is False
    assert one(manifests, "Deployment", "search-gateway")["spec"]["replicas"] == spec.gateway.replicas


@given(spec=service_specs(), pools=pool_maps())
def test_engines_do_not_change_with_their_gateway(spec: EmbeddingServiceSpec, pools: dict[str, GPUPoolSpec]) -> None:
    """Adding or removing the gateway of a service must not restart its engines."""
    engines = {
        route: [
            each.body
            for each in rendered(spec, pools=pools, route=route)
            if names.GPU_POOL in each.body["metadata"]["labels"]
        ]
        for route in (ENGINES_ONLY, GATEWAY_ONLY)
    }
    assert engines[ENGINES_ONLY] == engines[GATEWAY_ONLY]


def test_a_container_that_does_not_answer_is_ended_in_seconds_not_after_the_time_of_the_pod() -> None:
    manifests = rendered(with_gateway(queueTimeoutSeconds=600))
    assert template_of(manifests)["spec"]["terminationGracePeriodSeconds"] > 600
    pods = [manifest.body["spec"]["template"]["spec"] for manifest in manifests if manifest.kind == "Deployment"]
    probes = [each["livenessProbe"] for pod in pods for each in pod["containers"]]
    assert len(probes) == 3
    assert all(probe["terminationGracePeriodSeconds"] <= 10 for probe in probes)


def test_an_agent_that_does_not_answer_takes_no_pod_out() -> None:
    manifests = rendered(with_gateway())
    assert "readinessProbe" not in container(manifests, "agent")
    assert container(manifests, "haproxy")["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_gateway_pods_are_spread_over_nodes_and_say_whose_keys_they_require() -> None:
    keyed = template_of(rendered(with_gateway(apiKeysSecretRef={"name": "clients"})))
    assert keyed["metadata"]["annotations"][names.REQUIRED_KEYS] == "clients"
    assert names.REQUIRED_KEYS not in template_of(rendered(with_gateway()))["metadata"]["annotations"]
    (apart,) = keyed["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert apart["podAffinityTerm"]["labelSelector"]["matchLabels"] == names.gateway_selector("search")


@given(spec=service_specs())
def test_gateway_pods_are_told_apart_from_engines(spec: EmbeddingServiceSpec) -> None:
    manifests = rendered(spec)
    labels = template_of(manifests)["metadata"]["labels"]
    assert names.GPU_POOL not in labels
    assert names.gateway_selector("search").items() <= labels.items()
    assert not names.service_selector("search").items() <= labels.items()
    for kind, name in (("Service", "search-engines"), ("PodDisruptionBudget", "search")):
        selector = one(manifests, kind, name)["spec"]["selector"]
        assert selector.get("matchLabels", selector) == names.service_selector("search")
    budget = one(manifests, "PodDisruptionBudget", "search-gateway")["spec"]
    assert budget["selector"]["matchLabels"] == names.gateway_selector("search")


@pytest.mark.parametrize(
    ("route", "selected", "annotations", "objects"),
    [
        (ENGINES_ONLY, names.ENGINE, None, frozenset()),
        (GATEWAY_ONLY, names.GATEWAY, {names.ROUTE: "Gateway"}, GATEWAY_ALONE | {"NetworkPolicy search-engines"}),
        (
            LEAVING,
            names.GATEWAY,
            {names.ROUTE: "Leaving", names.ROUTE_SINCE: "2026-06-03T12:00:00+00:00"},
            GATEWAY_ALONE,
        ),
        (
            LINGERING,
            names.ENGINE,
            {names.ROUTE: "Engines", names.ROUTE_SINCE: "2026-06-03T12:00:00+00:00"},
            GATEWAY_ALONE,
        ),
    ],
    ids=["engines", "gateway", "leaving", "lingering"],
)
def test_the_route_says_what_there_is(
    route: Route, selected: str, annotations: Body | None, objects: frozenset[str]
) -> None:
    manifests = rendered(with_gateway(), route=route)
    front = one(manifests, "Service", "search")
    assert front["spec"]["selector"][names.COMPONENT] == selected
    assert front["metadata"].get("annotations") == annotations
    plain = {"Deployment", "Service", "PodDisruptionBudget"}
    assert {f"{each.kind} {each.name}" for each in manifests if each.kind not in plain} == objects


def test_who_serves_is_written_before_the_way_there() -> None:
    order = [(manifest.kind, manifest.name) for manifest in rendered(with_gateway())]
    assert order.index(("ConfigMap", "search-gateway")) < order.index(("Deployment", "search-gateway"))
    assert order.index(("RoleBinding", "search-gateway")) < order.index(("Deployment", "search-gateway"))
    assert order.index(("Deployment", "search-gateway")) < order.index(("Service", "search"))
    assert order[-1] == ("NetworkPolicy", "search-engines")


def test_the_longest_name_leaves_room_for_pods() -> None:
    name = "x" * MAX_NAME_WITH_GATEWAY
    suffixes = len("-0123456789-01234")
    assert len(names.gateway_name(name)) + suffixes == 63


def test_haproxy_faces_clients_without_a_token_and_without_keys() -> None:
    manifests = rendered(with_gateway(apiKeysSecretRef={"name": "keys-of-clients"}))
    assert volumes_of(container(manifests, "haproxy")) == {"config", "run"}
    assert volumes_of(container(manifests, "prepare")) == {"run", "keys"}
    assert volumes_of(container(manifests, "agent")) == {"run", "keys", "api-token", "operator-token"}


def test_the_token_for_the_operator_is_good_for_nothing_else() -> None:
    volumes = {each["name"]: each for each in template_of(rendered(with_gateway()))["spec"]["volumes"]}
    (source,) = volumes["operator-token"]["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "embedding-operator.io"
    token, *_ = volumes["api-token"]["projected"]["sources"]
    assert "audience" not in token["serviceAccountToken"]


def test_pods_wait_for_the_keys_that_they_need() -> None:
    needed = template_of(rendered(with_gateway(apiKeysSecretRef={"name": "clients"})))["spec"]["volumes"]
    (keys,) = (each["secret"] for each in needed if "secret" in each)
    assert (keys["secretName"], keys.get("optional", False)) == ("clients", False)
    assert not [each for each in template_of(rendered(with_gateway()))["spec"]["volumes"] if "secret" in each]


@pytest.mark.parametrize("name", ["agent", "prepare"])
def test_the_agent_can_use_its_environment(name: str) -> None:
    variables = {each["name"]: each["value"] for each in container(rendered(with_gateway()), name)["env"]}
    settings = AgentSettings.from_environment(variables)
    assert (settings.namespace, settings.service) == ("team", "search")
    assert settings.engines_selector == "kubernetes.io/service-name=search-engines"
    assert (settings.operator_host, settings.operator_port) == (cases.GATEWAY.operator_host, 8082)
    assert settings.engines_port == names.PORT_NAME


def test_files_are_mounted_where_the_agent_looks_for_them() -> None:
    manifests = rendered(with_gateway(apiKeysSecretRef={"name": "clients"}))
    variables = {each["name"]: each["value"] for each in container(manifests, "agent")["env"]}
    settings = AgentSettings.from_environment(variables)
    mounts = {each["name"]: each["mountPath"] for each in container(manifests, "agent")["volumeMounts"]}
    assert str(settings.keys_folder) == mounts["keys"]
    assert str(settings.token_file.parent) == mounts["operator-token"]
    assert {str(each.parent) for each in (settings.socket, settings.keys_map)} == {mounts["run"]}
    ports = {port["name"]: port["containerPort"] for port in container(manifests, "agent")["ports"]}
    assert ports == {"agent": settings.port}


def test_the_limit_of_an_engine_reaches_the_agent_without_a_rollout() -> None:
    few, many = (rendered(with_gateway(maxConnectionsPerEngine=limit)) for limit in (4, 64))
    assert template_of(few) == template_of(many)
    limits = [
        one(each, "Service", "search-engines")["metadata"]["labels"][MAX_CONNECTIONS_LABEL] for each in (few, many)
    ]
    assert limits == ["4", "64"]


@pytest.mark.parametrize(
    ("stated", "learned", "limit"), [({}, None, "32"), ({}, 128, "128"), ({"maxConnectionsPerEngine": 4}, 128, "4")]
)
def test_engines_get_what_the_spec_says_else_what_was_learned(
    stated: dict[str, Any], learned: int | None, limit: str
) -> None:
    manifests = rendered(with_gateway(**stated), connection_limit=learned)
    assert one(manifests, "Service", "search-engines")["metadata"]["labels"][MAX_CONNECTIONS_LABEL] == limit


@pytest.mark.parametrize(
    "fields",
    [
        {"queueTimeoutSeconds": 5},
        {"holdSeconds": 0},
        {"bodyLimitKiB": 64},
        {"apiKeysSecretRef": {"name": "clients"}},
        {"resources": {"limits": {"memory": "1Gi"}}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_change_of_the_configuration_rolls_the_pods(fields: Body) -> None:
    before, after = (template_of(rendered(with_gateway(**each))) for each in ({}, fields))
    assert before["metadata"]["annotations"] != after["metadata"]["annotations"]


def test_pods_are_replaced_one_by_one_and_never_missed() -> None:
    spec = one(rendered(with_gateway()), "Deployment", "search-gateway")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_longest_request_outlives_the_end_of_its_pod() -> None:
    manifests = rendered(with_gateway(holdSeconds=100, queueTimeoutSeconds=20))
    grace = template_of(manifests)["spec"]["terminationGracePeriodSeconds"]
    assert grace == 10 + 100 + 20 + 300 + 10
    variables = {each["name"]: each["value"] for each in container(manifests, "agent")["env"]}
    assert AgentSettings.from_environment(variables).linger_seconds == grace - 1


@pytest.mark.parametrize(
    ("given", "resources"),
    [
        ({}, {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "2Gi"}}),
        ({"limits": {"memory": "1Gi"}}, {"requests": {}, "limits": {"memory": "1Gi"}}),
        ({"limits": {"cpu": 1}}, {"requests": {"memory": "64Mi"}, "limits": {"cpu": 1, "memory": "2Gi"}}),
        ({"requests": {"cpu": 2}}, {"requests": {"cpu": 2, "memory": "64Mi"}, "limits": {"memory": "2Gi"}}),
        ({"requests": {"memory": "3Gi"}}, {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}}),
    ],
)
def test_resources_are_those_of_haproxy(given: Body, resources: Body) -> None:
    manifests = rendered(with_gateway(resources=given))
    assert container(manifests, "haproxy")["resources"] == resources
    assert container(manifests, "agent")["resources"] == {"requests": {"cpu": "10m", "memory": "96Mi"}}


def test_the_platform_may_give_gateways_their_user() -> None:
    security = template_of(rendered(with_gateway(), user=None))["spec"]["securityContext"]
    assert security == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_engines_are_open_to_those_who_need_them() -> None:
    spec = one(rendered(with_gateway()), "NetworkPolicy", "search-engines")["spec"]
    assert spec["podSelector"]["matchLabels"] == names.service_selector("search")
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"port": names.PORT, "protocol": "TCP"}]
    gateway, operator, scrapers = rule["from"]
    assert gateway == {"podSelector": {"matchLabels": names.gateway_selector("search")}}
    assert operator == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "embedding-operator-system"}},
        "podSelector": {"matchLabels": dict(cases.GATEWAY.operator_labels)},
    }
    (expression,) = scrapers["namespaceSelector"]["matchExpressions"]
    assert expression["values"] == ["monitoring"]


def test_no_other_client_reads_metrics_unless_allowed() -> None:
    spec = one(rendered(with_gateway(), metrics_namespaces=()), "NetworkPolicy", "search-engines")["spec"]
    assert len(spec["ingress"][0]["from"]) == 2


def test_gateways_run_where_the_installation_says_whatever_the_engines_need() -> None:
    spec = service("search").on("a10").having(gateway={}).spec()
    anywhere = template_of(rendered(spec))["spec"]
    edge = template_of(
        rendered(
            spec,
            node_selector={"role": "edge"},
            tolerations=(Toleration(key="dedicated", operator="Exists", effect="NoSchedule"),),
        )
    )["spec"]

    assert anywhere["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert "tolerations" not in anywhere
    assert edge["nodeSelector"] == {"role": "edge"}
    assert edge["tolerations"] == [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}]
