import re

import pytest
from embedding_operator.api.v1alpha1.kubernetes_types import Toleration
from embedding_operator.settings import Settings, SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "EMBEDDING_OPERATOR_NAMESPACE": "system",
            "EMBEDDING_OPERATOR_POD_NAME": "operator-0",
            "EMBEDDING_OPERATOR_POD_LABELS": "app=operator, release=prod",
            "EMBEDDING_OPERATOR_WATCH_NAMESPACES": "search, ads",
            "EMBEDDING_OPERATOR_ENGINE_IMAGE": "example.org/sglang:1",
            "EMBEDDING_OPERATOR_GATEWAY_IMAGE": "example.org/operator:1",
            "EMBEDDING_OPERATOR_GATEWAY_CLUSTER_ROLE": "prod-gateway",
            "EMBEDDING_OPERATOR_GATEWAY_NODE_SELECTOR": '{"role": "edge", "a": "b"}',
            "EMBEDDING_OPERATOR_GATEWAY_TOLERATIONS": '[{"operator": "Exists"}]',
            "EMBEDDING_OPERATOR_POKE_HOST": "prod-poke.system.svc",
            "EMBEDDING_OPERATOR_POKE_PORT": "9082",
            "EMBEDDING_OPERATOR_METRICS_NAMESPACES": "monitoring",
            "EMBEDDING_OPERATOR_PROMETHEUS_URL": "http://prometheus.monitoring.svc:9090",
            "EMBEDDING_OPERATOR_PROMETHEUS_ADDRESSES": "https://metrics.example.org/team, *",
            "EMBEDDING_OPERATOR_LOG_LEVEL": "DEBUG",
            "EMBEDDING_OPERATOR_POLL_SECONDS": "2.5",
            "EMBEDDING_OPERATOR_WORKERS": "4",
            "EMBEDDING_OPERATOR_LEASE": "false",
            "EMBEDDING_OPERATOR_LEASE_NAME": "other",
            "EMBEDDING_OPERATOR_HEALTH_PORT": "9080",
            "EMBEDDING_OPERATOR_METRICS_PORT": "9081",
        }
    )

    assert settings == Settings(
        namespace="system",
        pod_name="operator-0",
        pod_labels=(("app", "operator"), ("release", "prod")),
        watch_namespaces=("search", "ads"),
        engine_image="example.org/sglang:1",
        gateway_image="example.org/operator:1",
        gateway_cluster_role="prod-gateway",
        gateway_node_selector=(("a", "b"), ("role", "edge")),
        gateway_tolerations=(Toleration(operator="Exists"),),
        poke_host="prod-poke.system.svc",
        poke_port=9082,
        metrics_namespaces=("monitoring",),
        prometheus_url="http://prometheus.monitoring.svc:9090",
        prometheus_addresses=("https://metrics.example.org/team", "*"),
        log_level="debug",
        poll_seconds=2.5,
        workers=4,
        lease=False,
        lease_name="other",
        health_port=9080,
        metrics_port=9081,
    )


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("LOG_LEVEL", "loud", "use one of debug, info, warning, error"),
        ("POLL_SECONDS", "0", "use a number from 1 to 60"),
        ("POLL_SECONDS", "often", "use a number from 1 to 60"),
        ("WORKERS", "nan", "use a number from 1 to 256"),
        ("LEASE", "yes", "use true or false"),
        ("POD_LABELS", "operator", "use labels such as app=operator,release=prod"),
        ("GATEWAY_NODE_SELECTOR", "role=edge", 'use JSON such as {"kubernetes.io/os": "linux"}'),
        ("GATEWAY_NODE_SELECTOR", '{"role": {}}', 'use JSON such as {"kubernetes.io/os": "linux"}'),
        ("GATEWAY_TOLERATIONS", "Exists", 'use JSON such as [{"key": "dedicated", "operator": "Exists"}]'),
        (
            "GATEWAY_TOLERATIONS",
            '[{"operator": "Like"}]',
            'use JSON such as [{"key": "dedicated", "operator": "Exists"}]',
        ),
        ("POKE_PORT", "0", "use a number from 1 to 65535"),
        ("PROMETHEUS_URL", "prometheus:9090", "use an address such as http://prometheus.monitoring.svc:9090"),
        ("PROMETHEUS_ADDRESSES", "file:///etc", "use an address such as http://prometheus.monitoring.svc:9090"),
        ("HEALTH_PORT", "70000", "use a number from 1 to 65535"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_fix(name: str, value: str, fix: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"EMBEDDING_OPERATOR_{name}='{value}': {fix}")):
        Settings.from_environment({f"EMBEDDING_OPERATOR_{name}": value})
