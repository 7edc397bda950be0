"""The GPUPools that the chart ships."""

from pathlib import Path

import yaml
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec

from tests.chart.rendering import CHART, NAMESPACE, RELEASE, Body, Render, parsed
from tools.generate.helm import render

CATALOG = yaml.safe_load((CHART / "files/gpupools.yaml").read_text())


def pools(objects: list[Body]) -> dict[str, Body]:
    return {body["metadata"]["name"]: body for body in objects}


def test_the_catalog_is_rendered_as_it_is(rendered: Render) -> None:
    rendered_pools = pools(rendered("default").of_kind("GPUPool"))
    assert {name: body["spec"] for name, body in rendered_pools.items()} == CATALOG
    for body in rendered_pools.values():
        GPUPoolSpec.model_validate(body["spec"])
        annotations = body["metadata"]["annotations"]
        assert annotations["helm.sh/resource-policy"] == "keep"
        assert "helm.sh/hook" not in annotations


def test_overrides_are_merged_but_a_node_selector_is_replaced(rendered: Render) -> None:
    spec = pools(rendered("ha").of_kind("GPUPool"))["a10"]["spec"]
    assert spec["nodeSelector"] == {"cloud.example.com/accelerator": "a10"}
    assert spec["engine"] == CATALOG["a10"].get("engine", {}) | {
        "image": "registry.example.com/mirror/sglang:v0.5.23-a10"
    }
    assert spec["pricePerHour"] == "0.75"
    assert spec["computeCapability"] == CATALOG["a10"]["computeCapability"]


def test_pools_can_be_left_out(rendered: Render) -> None:
    assert pools(rendered("namespaced").of_kind("GPUPool")).keys() == CATALOG.keys() - {"t4"}
    assert rendered("no-crds").of_kind("GPUPool") == []


def test_on_a_first_install_pools_come_after_their_crd(helm: Path) -> None:
    rendering = parsed(render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, api_versions=[]))
    rendered_pools = pools(rendering.of_kind("GPUPool"))
    assert rendered_pools.keys() == CATALOG.keys()
    for body in rendered_pools.values():
        metadata = body["metadata"]
        assert metadata["annotations"]["helm.sh/hook"] == "post-install,post-upgrade"
        # The labels and annotations by which the next upgrade adopts the pool into the release.
        assert metadata["annotations"]["meta.helm.sh/release-name"] == RELEASE
        assert metadata["annotations"]["meta.helm.sh/release-namespace"] == NAMESPACE
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
