"""Every golden case on a real API server, in a namespace that enforces the restricted Pod Security Standard.

Run with `python -m testbed.cluster exec control-plane -- pytest tests/contract/kube`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.kube.resources import CHILDREN
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.names import FIELD_MANAGER
from embedding_operator.rendering.renderer import render_service

from testbed.harness.kubectl import SECONDS, kubectl
from tests.golden import cases

pytestmark = pytest.mark.cluster

BY_ADMIN = {"cpu-engine"}
"""Cases with a pool that mounts a folder of the node, which an admin would have to allow in the namespace."""


def listed(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one document with all of them: kubectl reads a stream of JSON documents only up to some length."""
    return [{"apiVersion": "v1", "kind": "List", "items": list(documents)}]


def fetched(*arguments: str) -> Any:
    return json.loads(kubectl("get", *arguments, "--output=json"))


@dataclass(frozen=True, slots=True)
class Applied:
    """A case with its EmbeddingService and children on the server."""

    case: cases.Case
    manifests: tuple[Manifest, ...]
    namespace: str

    def apply(self) -> None:
        bodies = [manifest.body for manifest in self.manifests]
        kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            f"--field-manager={FIELD_MANAGER}",
            "--filename=-",
            documents=listed(*bodies),
        )

    def versions(self) -> dict[str, str]:
        """Return the generation of every child, which increases when an apply changes the spec."""
        kinds = ",".join(resource.qualified for resource in CHILDREN)
        found = fetched(kinds, f"--namespace={self.namespace}", f"--selector={MANAGED_SELECTOR}")
        return {f"{body['kind']}/{body['metadata']['name']}": managed(body) for body in found["items"]}


def managed(body: dict[str, Any]) -> str:
    said = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    return str(body["metadata"].get("generation", json.dumps(said, sort_keys=True)))


@pytest.fixture(scope="module")
def definitions(crds: Path) -> None:
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "serving"}}
    kubectl("apply", "--filename=-", documents=[{**priority, "value": 1000}])


@pytest.fixture(params=cases.NAMES)
def applied(request: pytest.FixtureRequest, definitions: None) -> Iterator[Applied]:
    case = cases.load(request.param)
    namespace = f"rendered-{case.name}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kubectl(
        "apply",
        "--filename=-",
        documents=listed(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}},
            owner(case, namespace=namespace),
        ),
    )
    uid = fetched("embeddingservice", case.service.name, f"--namespace={namespace}")["metadata"]["uid"]
    manifests = render_service(
        replace(case.service, namespace=namespace, uid=uid),
        case.spec,
        pools=case.pools,
        replicas={pool.gpu_pool: 1 for pool in case.spec.pools},
        route=case.route,
        settings=cases.DEFAULTS,
        gateway=cases.GATEWAY,
    )
    yield Applied(case, manifests, namespace)
    kubectl("delete", "namespace", namespace, "--wait=false")


def owner(case: cases.Case, *, namespace: str) -> dict[str, Any]:
    service = yaml.safe_load((cases.CASES / case.name / "service.yaml").read_text(encoding="utf-8"))
    return {
        "apiVersion": "embedding-operator.io/v1alpha1",
        "kind": "EmbeddingService",
        "metadata": {"name": service["name"], "namespace": namespace},
        "spec": service["spec"],
    }


def test_applies_once_runs_restricted_and_goes_with_its_service(applied: Applied) -> None:
    applied.apply()
    before = applied.versions()
    applied.apply()
    assert applied.versions() == before

    engines = [body["metadata"]["name"] for body in applied.case.deployments()]
    names = [f"deployment/{name}" for name in engines]
    within = (f"--namespace={applied.namespace}", f"--timeout={SECONDS}s")
    if applied.case.name in BY_ADMIN:
        kubectl("wait", "--for=condition=ReplicaFailure", *within, *names)
        (deployment,) = fetched("deployments", f"--namespace={applied.namespace}")["items"]
        messages = [each.get("message", "") for each in deployment["status"]["conditions"]]
        assert any("hostPath" in message and "restricted" in message for message in messages)
        assert not any("seccompProfile" in message or "runAsNonRoot" in message for message in messages)
    else:
        kubectl("wait", "--for=jsonpath={.status.replicas}=1", *within, *names)
        expects = f"--for=jsonpath={{.status.expectedPods}}={len(names)}"
        kubectl("wait", expects, *within, f"poddisruptionbudget/{applied.case.service.name}")

    kubectl("delete", "embeddingservice", applied.case.service.name, f"--namespace={applied.namespace}")
    kubectl("wait", "--for=delete", *within, *names)
    assert applied.versions() == {}


def test_the_shipped_pools_are_accepted(definitions: None) -> None:
    documents = yaml.safe_load(cases.CATALOG.read_text(encoding="utf-8"))
    pools = [
        {
            "apiVersion": "embedding-operator.io/v1alpha1",
            "kind": "GPUPool",
            "metadata": {"name": name},
            "spec": spec,
        }
        for name, spec in documents.items()
    ]
    kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", documents=listed(*pools))
