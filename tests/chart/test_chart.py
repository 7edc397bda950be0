"""What the chart renders."""

from pathlib import Path

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES
from embedding_operator.api.v1alpha1.kubernetes_types import Toleration
from embedding_operator.rendering.names import SERVICE, gateway_labels
from embedding_operator.settings import Settings

from tests.chart.pod_security import restricted_violations
from tests.chart.rendering import (
    CHART,
    NAMESPACE,
    RELEASE,
    REPOSITORY,
    VARIANTS,
    Render,
    environment,
    operator_container,
    parsed,
)
from tools.generate.helm import render, run_helm


def test_helm_lints_it_without_a_warning(helm: Path) -> None:
    assert "0 chart(s) failed" in run_helm(helm, "lint", str(CHART), "--strict", "--kube-version=1.36.0")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_pod_is_restricted(rendered: Render, name: str) -> None:
    violations = {pod: restricted_violations(spec) for pod, spec in rendered(name).pod_specs()}
    assert violations == {f"Deployment {RELEASE}": []}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_object_is_labelled_and_placed(rendered: Render, name: str) -> None:
    for body in rendered(name).objects:
        metadata = body["metadata"]
        assert metadata["labels"]["app.kubernetes.io/instance"] == RELEASE, body
        if body["kind"] in {
            "ServiceAccount",
            "Deployment",
            "Service",
            "PodDisruptionBudget",
            "PodMonitor",
            "NetworkPolicy",
        }:
            assert metadata["namespace"] == NAMESPACE, body


def test_nothing_but_the_usual_is_rendered_by_default(rendered: Render) -> None:
    kinds = {body["kind"] for body in rendered("default").objects}
    assert kinds == {
        "ServiceAccount",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "NetworkPolicy",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "Deployment",
        "Service",
        "GPUPool",
    }


def test_the_operator_reads_its_defaults_from_the_chart(rendered: Render) -> None:
    assert Settings.from_environment(environment(rendered("default"))) == Settings()


def test_every_variable_of_the_chart_is_one_that_the_operator_reads(rendered: Render) -> None:
    fields = {f"EMBEDDING_OPERATOR_{name.upper()}" for name in Settings.__dataclass_fields__}
    names = {entry["name"] for entry in operator_container(rendered("default"))["env"]}
    assert names == fields


def test_values_reach_the_operator(rendered: Render) -> None:
    namespaced = Settings.from_environment(environment(rendered("namespaced")))
    assert namespaced.watch_namespaces == ("search", "recommendations")
    assert not Settings.from_environment(environment(rendered("no-crds"))).lease
    assert Settings.from_environment(environment(rendered("ha"))).metrics_namespaces == ("monitoring", "observability")
    assert environment(rendered("ha"))["HTTPS_PROXY"] == "http://proxy.example.com:3128"
    ha = Settings.from_environment(environment(rendered("ha")))
    assert ha.image_prefixes == ("registry.example.com/mirror/",)
    assert not ha.remote_code
    assert ha.engine_image.startswith("registry.example.com/")
    assert ha.gateway_node_selector == (("example.com/role", "edge"), ("kubernetes.io/os", "linux"))
    assert ha.gateway_tolerations == (Toleration(key="dedicated", operator="Equal", value="edge", effect="NoSchedule"),)
    assert ha.prometheus_url == "http://prometheus.monitoring.svc:9090"
    assert ha.prometheus_addresses == ("https://metrics.example.com/search",)


def test_the_probes_and_metrics_use_the_ports_that_the_operator_opens(rendered: Render) -> None:
    container = operator_container(rendered("default"))
    settings = Settings.from_environment(environment(rendered("default")))
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {
        "health": settings.health_port,
        "metrics": settings.metrics_port,
        "poke": settings.poke_port,
    }
    assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {"health"}


def test_image_is_composed_of_registry_tag_and_digest(rendered: Render) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    plain, mirrored = (operator_container(rendered(name))["image"] for name in ("default", "ha"))
    assert plain == f"embedding-operator/embedding-operator:{version}"
    assert mirrored.startswith("registry.example.com/mirror/embedding-operator/embedding-operator:1.2.3@sha256:0123")


@pytest.mark.parametrize("name", VARIANTS)
def test_gateways_run_the_operator_and_find_it(rendered: Render, name: str) -> None:
    rendering = rendered(name)
    settings = Settings.from_environment(environment(rendering))
    assert settings.gateway_image == operator_container(rendering)["image"]
    (service,) = rendering.of_kind("Service")
    place = service["metadata"]
    assert settings.poke_host == f"{place['name']}.{place['namespace']}.svc"
    assert service["spec"]["clusterIP"] == "None"
    (port,) = service["spec"]["ports"]
    assert port["port"] == settings.poke_port
    labels = rendering.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


@pytest.mark.parametrize("name", VARIANTS)
def test_engines_can_let_the_operator_in(rendered: Render, name: str) -> None:
    rendering = rendered(name)
    labels = rendering.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert dict(Settings.from_environment(environment(rendering)).pod_labels).items() <= labels.items()


def test_two_replicas_are_spread_and_drained_one_at_a_time(rendered: Render) -> None:
    assert rendered("ha").one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert "topologySpreadConstraints" in rendered("ha").one("Deployment")["spec"]["template"]["spec"]
    assert rendered("default").of_kind("PodDisruptionBudget") == []


def test_crds_are_the_generated_ones(rendered: Render) -> None:
    for resource in CUSTOM_RESOURCES:
        body = rendered("default").one("CustomResourceDefinition", resource.crd_name)
        written = yaml.safe_load((REPOSITORY / "crds" / f"{resource.crd_name}.yaml").read_text())
        assert {**body, "metadata": {"name": resource.crd_name}} == written


def test_crds_survive_an_uninstall_unless_told_otherwise(rendered: Render) -> None:
    keep = {"helm.sh/resource-policy": "keep"}
    own = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}
    for name, annotations in {"default": keep, "podmonitor": own}.items():
        for body in rendered(name).of_kind("CustomResourceDefinition"):
            assert body["metadata"]["annotations"] == annotations
    assert rendered("no-crds").of_kind("CustomResourceDefinition") == []


def test_pod_monitor_needs_the_kind(rendered: Render, helm: Path) -> None:
    operator, gateways = rendered("podmonitor").of_kind("PodMonitor")
    endpoint = {"port": "metrics", "path": "/metrics", "interval": "15s"}
    assert operator["spec"]["podMetricsEndpoints"] == [{**endpoint, "honorLabels": True}]
    assert gateways["spec"]["podMetricsEndpoints"] == [endpoint, {**endpoint, "port": "agent"}]
    without = parsed(
        render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, settings=["podMonitor.enabled=true"])
    )
    assert without.of_kind("PodMonitor") == []


def test_gateways_are_scraped_where_services_are_watched(rendered: Render, helm: Path) -> None:
    _, everywhere = rendered("podmonitor").of_kind("PodMonitor")
    assert everywhere["spec"]["namespaceSelector"] == {"any": True}
    assert everywhere["spec"]["selector"]["matchLabels"].items() <= gateway_labels("qwen").items()
    assert everywhere["spec"]["podTargetLabels"] == [SERVICE]
    settings = ["podMonitor.enabled=true", "podMonitor.renderMode=alwaysRender", "watch.namespaces={search,ads}"]
    _, two = parsed(render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, settings=settings)).of_kind(
        "PodMonitor"
    )
    assert two["spec"]["namespaceSelector"] == {"matchNames": ["search", "ads"]}


def test_network_policy_leaves_the_probes_open(rendered: Render) -> None:
    spec = rendered("ha").one("NetworkPolicy")["spec"]
    health, poke, metrics = spec["ingress"]
    assert health == {"ports": [{"port": "health"}]}
    (gateways,) = poke["from"]
    assert gateways["podSelector"]["matchLabels"].items() <= gateway_labels("qwen").items()
    named, stated = metrics["from"]
    assert named["namespaceSelector"]["matchExpressions"][0]["values"] == ["monitoring", "observability"]
    assert stated["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}
    assert spec["policyTypes"] == ["Ingress", "Egress"]


def test_no_namespace_reads_metrics_by_default(rendered: Render) -> None:
    ingress = rendered("default").one("NetworkPolicy")["spec"]["ingress"]
    assert [[port["port"] for port in rule["ports"]] for rule in ingress] == [["health"], ["poke"]]


def test_chart_and_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["appVersion"]}"' in (REPOSITORY / "pyproject.toml").read_text()
    listed = {entry["name"] for entry in yaml.safe_load(chart["annotations"]["artifacthub.io/crds"])}
    assert listed == {resource.crd_name for resource in CUSTOM_RESOURCES}
