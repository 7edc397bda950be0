"""A service's pods, replicas and conditions, at one moment and over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from testbed.cluster.errors import ClusterError
from testbed.harness.conditions import condition_of
from testbed.installation import Installation

SERVICE_LABEL = "embedding-operator.io/service"
POOL_LABEL = "embedding-operator.io/gpu-pool"
KIND = "embeddingservices.embedding-operator.io"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class EnginePod:
    """An engine pod; `is_serving` means that it is Ready and not terminating."""

    name: str
    pool: str
    address: str
    is_ready: bool
    is_leaving: bool

    @property
    def is_serving(self) -> bool:
        """Whether the Service sends requests to it."""
        return self.is_ready and not self.is_leaving


@dataclass(frozen=True, slots=True)
class Sight:
    """The pods of a service and the replicas that its Deployments request, by pool, at one moment."""

    at: datetime
    pods: tuple[EnginePod, ...]
    replicas: Mapping[str, int]

    def serving(self, pool: str | None = None) -> int:
        """Return how many pods receive requests, of one pool or of all."""
        return sum(pod.is_serving for pod in self.pods if pool in {None, pod.pool})

    def leaving(self, pool: str) -> int:
        """Return how many pods of a pool are terminating."""
        return sum(pod.is_leaving for pod in self.pods if pod.pool == pool)

    @property
    def wanted(self) -> int:
        """Replicas that the Deployments of all pools request."""
        return sum(self.replicas.values())


@dataclass(frozen=True, slots=True)
class Watched:
    """An EmbeddingService in a cluster."""

    installation: Installation
    namespace: str
    name: str

    @property
    def url(self) -> str:
        """Address of the service inside the cluster."""
        return f"http://{self.name}.{self.namespace}.svc"

    def sight(self) -> Sight:
        """Return the pods and replicas now, from one request to the API server."""
        engines = f"{SERVICE_LABEL}={self.name},{POOL_LABEL}"
        found = self.installation.objects("pods,deployments", *self._selection(engines))
        deployments = [body for body in found if body["kind"] == "Deployment"]
        return Sight(
            at=datetime.now(UTC),
            pods=tuple(_engine_pod(body) for body in found if body["kind"] == "Pod"),
            replicas={_pool(body): body["spec"]["replicas"] for body in deployments},
        )

    def status(self) -> dict[str, Any]:
        """Return `status` of the service."""
        found = self.installation.objects(KIND, self.name, f"--namespace={self.namespace}")
        return dict(found[0].get("status", {})) if found else {}

    def condition(self, kind: str) -> tuple[str, str]:
        """Return the status and reason of a condition; two empty strings if it is not there."""
        return condition_of(self.status(), kind)

    def wait_for(self, goal: Callable[[Sight], bool], *, seconds: float, purpose: str) -> Sight:
        """Return the first sight in which `goal` holds; fail with everything known if there is none in time."""
        deadline = time.monotonic() + seconds
        while not goal(sight := self.sight()):
            if time.monotonic() > deadline:
                raise AssertionError(self._complaint(f"{purpose}: not within {seconds:.0f} s", sight=sight))
            time.sleep(SAMPLE_SECONDS)
        return sight

    def wait_for_condition(self, kind: str, status: str, *, seconds: float) -> str:
        """Return the reason of a condition once it has this status; fail if it does not get it in time."""
        deadline = time.monotonic() + seconds
        while (found := self.condition(kind))[0] != status:
            if time.monotonic() > deadline:
                purpose = f"{kind} is {found[0]} ({found[1]}), not {status}, after {seconds:.0f} s"
                raise AssertionError(self._complaint(purpose, sight=self.sight()))
            time.sleep(SAMPLE_SECONDS)
        return found[1]

    def restarts(self) -> int:
        """Return how often containers of engine pods have restarted."""
        pods = self.installation.objects("pods", *self._selection(f"{SERVICE_LABEL}={self.name},{POOL_LABEL}"))
        return sum(each["restartCount"] for pod in pods for each in pod["status"].get("containerStatuses", ()))

    def leftovers(self) -> list[str]:
        """Return the kind and name of every object that carries the service's label."""
        workloads = "pods,deployments,replicasets,services,endpointslices,poddisruptionbudgets,configmaps"
        kinds = f"{workloads},serviceaccounts,rolebindings,networkpolicies"
        found = self.installation.objects(kinds, *self._selection(f"{SERVICE_LABEL}={self.name}"))
        return [f"{body['kind']}/{body['metadata']['name']}" for body in found]

    def _selection(self, labels: str) -> tuple[str, str]:
        return f"--namespace={self.namespace}", f"--selector={labels}"

    def _complaint(self, what: str, *, sight: Sight) -> str:
        described = yaml.safe_dump(self.status(), sort_keys=False)
        return f"{self.name}: {what}\n{sight}\n{described}\noperator:\n{self.installation.operator_log()}"


@dataclass(slots=True)
class Film:
    """Every sight of a service since the film began; moments without an answer of the API server are left out."""

    sights: list[Sight] = field(default_factory=list)

    def since(self, moment: datetime) -> list[Sight]:
        """Return the sights since a moment."""
        return [sight for sight in self.sights if sight.at >= moment]


@contextmanager
def filmed(service: Watched) -> Iterator[Film]:
    """Record a service twice a second until the end of the block."""
    film, ended = Film(), threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            try:
                film.sights.append(service.sight())
            except ClusterError:
                continue

    camera = threading.Thread(target=look, name=f"film of {service.name}", daemon=True)
    camera.start()
    try:
        yield film
    finally:
        ended.set()
        camera.join()


def sample(name: str) -> dict[str, Any]:
    """Return the object in a file of e2e/samples."""
    document: dict[str, Any] = yaml.safe_load((SAMPLES / f"{name}.yaml").read_text())
    return document


def _pool(body: Mapping[str, Any]) -> str:
    return str(body["metadata"]["labels"][POOL_LABEL])


def _engine_pod(body: Mapping[str, Any]) -> EnginePod:
    return EnginePod(
        name=body["metadata"]["name"],
        pool=_pool(body),
        address=body["status"].get("podIP", ""),
        is_ready=condition_of(body["status"], "Ready")[0] == "True",
        is_leaving="deletionTimestamp" in body["metadata"],
    )
