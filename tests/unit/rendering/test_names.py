"""The operator finds the rendered objects again."""

import pytest
from embedding_operator.kube.metadata import MANAGED_SELECTOR, service_of
from embedding_operator.rendering import names

from tests.golden import cases


@pytest.mark.parametrize("name", cases.NAMES)
def test_children_and_pods_lead_back_to_their_service(name: str) -> None:
    case = cases.load(name)
    selected = MANAGED_SELECTOR.split(",")
    bodies = [manifest.body for manifest in case.render()]
    for body in (*bodies, *(deployment["spec"]["template"] for deployment in case.deployments())):
        labels = body["metadata"]["labels"]
        assert service_of(body) == case.service.name
        assert set(selected) <= {*labels, *(f"{key}={value}" for key, value in labels.items())}


@pytest.mark.parametrize("name", cases.NAMES)
def test_deployments_are_named_by_service_and_pool(name: str) -> None:
    case = cases.load(name)
    assert [body["metadata"]["name"] for body in case.deployments()] == [
        names.deployment_name(case.service.name, pool=entry.gpu_pool) for entry in case.spec.pools
    ]


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
