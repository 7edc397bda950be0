import json

from testbed.cluster.kwok import as_list, gpu_node_list, product_slug
from testbed.cluster.node_conditions import allocatable, is_usable

READY = {"type": "Ready", "status": "True"}


def test_nodes_carry_product_gpus_and_the_label_kwok_looks_for() -> None:
    nodes = gpu_node_list(product="NVIDIA-A10", count=2, gpus=4, labels={"zone": "a"})
    labels = json.loads(as_list(nodes))["items"][1]["metadata"]["labels"]
    assert json.loads(as_list(nodes))["items"][1]["metadata"]["name"] == "kwok-nvidia-a10-1"
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-A10"
    assert (labels["type"], labels["zone"]) == ("kwok", "a")
    assert [allocatable(node, resource="nvidia.com/gpu") for node in nodes] == [4, 4]


def test_products_become_parts_of_names() -> None:
    assert product_slug("Tesla-T4") == "tesla-t4"
    assert product_slug("NVIDIA A100-SXM4/80GB ") == "nvidia-a100-sxm4-80gb"


def test_a_node_is_usable_when_ready_and_untainted() -> None:
    assert is_usable({"spec": {}, "status": {"conditions": [READY]}})
    assert not is_usable({"spec": {"taints": [{"key": "a"}]}, "status": {"conditions": [READY]}})
    assert not is_usable({"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    assert not is_usable({"spec": {}, "status": {}})
    assert allocatable({"status": {}}, resource="nvidia.com/gpu") == 0
