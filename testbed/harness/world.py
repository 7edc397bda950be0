"""One namespace of the cluster, as a test changes and observes it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embedding_operator.api.v1alpha1.base import GROUP

from testbed.harness.conditions import condition_of
from testbed.harness.kubectl import kubectl
from testbed.waiting import eventually

VERSION = f"{GROUP}/v1alpha1"
NAME = "embed"
Object = dict[str, Any]


class World:
    """A namespace for one test. `NAME` is the service that a test means unless it names another."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def apply(self, *documents: Object) -> None:
        """Apply objects, into this namespace unless they name another or have none."""
        kubectl("apply", "--server-side", f"--namespace={self.namespace}", "--filename=-", documents=documents)

    def patch(self, kind: str, name: str, change: Object) -> None:
        """Change an object with a JSON merge patch."""
        self._kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}")

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and wait until it is gone."""
        self._kubectl("delete", kind, name)

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""
        text = self._kubectl("get", kind, name, "-o=json", "--ignore-not-found")
        found: Object | None = json.loads(text) if text.strip() else None
        return found

    def names(self, *kinds: str) -> list[str]:
        """Return `kind/name` of every object of `kinds`."""
        return self._kubectl("get", ",".join(kinds), "-o=name").split()

    def status(self, name: str = NAME) -> Object:
        """Return the status of a service; empty until there is one."""
        status: Object = (self.get("embeddingservice", name) or {}).get("status") or {}
        return status

    def condition(self, kind: str, name: str = NAME) -> tuple[str, str]:
        """Return status and reason of a condition of a service; empty strings until it is there."""
        return condition_of(self.status(name), kind)

    def replicas(self, pool: str = "a10", name: str = NAME) -> int:
        """Return the replicas that the Deployment of a pool requests; -1 if there is none."""
        deployment = self.get("deployment", f"{name}-{pool}")
        return -1 if deployment is None else int(deployment["spec"]["replicas"])

    def ready_pods(self, pool: str = "a10", name: str = NAME) -> int:
        """Return how many pods of a pool are Ready."""
        deployment = self.get("deployment", f"{name}-{pool}") or {}
        return int((deployment.get("status") or {}).get("readyReplicas", 0))

    def wait_until_serving(self, name: str = NAME) -> None:
        """Return once every desired replica serves and nothing is left to do."""
        eventually(f"{name} serves", lambda: self.condition("Ready", name) == ("True", "Serving"))

    def _kubectl(self, *arguments: str) -> str:
        return kubectl(f"--namespace={self.namespace}", *arguments)


@contextmanager
def own_namespace() -> Iterator[World]:
    """Create a namespace; at the end, delete it with everything in it."""
    name = f"it-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    try:
        yield World(name)
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def service(name: str = NAME, **spec: Any) -> Object:
    """Return an EmbeddingService: one replica on A10, pods Ready after half a second, `spec` on top of it.

    It has no gateway: a gateway is a real program, which pods on these nodes cannot run.
    """
    return {
        "apiVersion": VERSION,
        "kind": "EmbeddingService",
        "metadata": {"name": name},
        "spec": {
            "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}},
            "pools": [pool("a10")],
            "gateway": {"enabled": False},
            "podTemplate": {"metadata": {"annotations": {"test/start-after": "100ms", "test/ready-after": "400ms"}}},
            **spec,
        },
    }


def pool(name: str, *, least: int = 1, most: int = 4) -> Object:
    """Return an entry of `spec.pools` whose replicas take 1,000 tokens per second."""
    return {"gpuPool": name, "minReplicas": least, "maxReplicas": most, "tokensPerSecond": 1000}


def all_day(name: str, *, namespace: str, pools: list[Object]) -> Object:
    """Return a ScalingSchedule for the services of one namespace; its only window is always open."""
    bounds = [{key: value for key, value in each.items() if key != "tokensPerSecond"} for each in pools]
    return {
        "apiVersion": VERSION,
        "kind": "ScalingSchedule",
        "metadata": {"name": name},
        "spec": {
            "enforcement": "Enforce",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "windows": [{"name": "always", "start": "00:00", "end": "24:00", "pools": bounds}],
        },
    }
