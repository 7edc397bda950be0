"""The operator's ServiceAccount and permissions from manifests/install.yaml, in a namespace that nothing else uses."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from testbed.cluster.kwok import gpu_node_list
from testbed.harness.kubectl import SECONDS, kubectl

MANIFESTS = Path(__file__).parents[2] / "manifests"
RELEASED_NAMESPACE = "embedding-operator-system"
NAMESPACE = "embedding-operator-integration"
ACCOUNT = "embedding-operator"
USERNAME = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
TOKEN_HOURS = 2
GPUS_PER_NODE = 8
PRODUCTS = ("NVIDIA-A10", "Tesla-T4")


def install() -> None:
    """Install all but the operator's Deployment; add the GPUPool catalog and one node with 8 GPUs per product."""
    released = (MANIFESTS / "install.yaml").read_text().replace(RELEASED_NAMESPACE, NAMESPACE)
    documents = [_own(each) for each in yaml.safe_load_all(released) if each and each["kind"] != "Deployment"]
    definitions = [each["metadata"]["name"] for each in documents if each["kind"] == "CustomResourceDefinition"]
    _apply(documents)
    kubectl("wait", "--for=condition=Established", f"--timeout={SECONDS}s", "crd", *definitions)
    pools = list(yaml.safe_load_all((MANIFESTS / "gpupools.yaml").read_text()))
    nodes = [node for product in PRODUCTS for node in gpu_node_list(product=product, count=1, gpus=GPUS_PER_NODE)]
    _apply([*pools, *nodes])
    kubectl("wait", "--for=condition=Ready", f"--timeout={SECONDS}s", "nodes", "--selector=type=kwok")


def write_kubeconfig(path: Path) -> Path:
    """Write the credentials of the operator's ServiceAccount, which has no administrator rights."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o=json"))
    token = kubectl("create", "token", ACCOUNT, f"--namespace={NAMESPACE}", f"--duration={TOKEN_HOURS}h").strip()
    for user in config["users"]:
        user["user"] = {"token": token}
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


def _own(document: dict[str, Any]) -> dict[str, Any]:
    """Give the binding a name that differs from that of another installed operator."""
    if document["kind"] == "ClusterRoleBinding":
        document["metadata"]["name"] = NAMESPACE
    return document


def _apply(documents: Iterable[dict[str, Any]]) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", documents=list(documents))
