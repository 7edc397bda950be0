"""What is rendered is what the operator finds again."""

import pytest
from embedding_operator.kube import client
from embedding_operator.kube.labels import GPU_POOL, MANAGED_SELECTOR, service_of
from embedding_operator.rendering import names

from tests.golden import cases


@pytest.mark.parametrize("name", cases.NAMES)
def test_children_and_pods_lead_back_to_their_service(name: str) -> None:
    case = cases.load(name)
    for manifest in case.render():
        assert service_of(manifest.body) == case.service.name
    for deployment in case.deployments():
        template = deployment["spec"]["template"]
        assert service_of(template) == case.service.name
        pool = template["metadata"]["labels"][GPU_POOL]
        assert deployment["metadata"]["name"] == names.deployment_name(case.service.name, pool=pool)
        assert f"{names.MANAGED_BY}={names.FIELD_MANAGER},{names.SERVICE}" == MANAGED_SELECTOR


def test_there_is_one_field_manager() -> None:
    assert client.FIELD_MANAGER == names.FIELD_MANAGER


@pytest.mark.parametrize(
    ("served_name", "labels"),
    [
        ("qwen3-embedding", {names.MODEL: "qwen3-embedding"}),
        ("Qwen3.0_6B", {names.MODEL: "Qwen3.0_6B"}),
        ("x" * 63, {names.MODEL: "x" * 63}),
        ("x" * 64, {}),
        ("Qwen/Qwen3", {}),
        ("ends-", {}),
        ("two\nlines", {}),
        ("line\n", {}),
    ],
)
def test_the_model_is_a_label_if_it_can_be(served_name: str, labels: dict[str, str]) -> None:
    assert names.model_labels(served_name) == labels
