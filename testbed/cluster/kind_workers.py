"""The worker nodes of the kind cluster, and the GPUs that exist only in the API."""

from __future__ import annotations

import json
from typing import Any, Protocol

from .kwok import GPU_RESOURCE, PRODUCT_LABEL
from .node_conditions import allocatable, is_usable
from .waiting import wait_until

WORKERS = 2
GPUS_PER_WORKER = 8
READY_SECONDS = 120.0


class Kubectl(Protocol):
    """Runs kubectl as administrator of the cluster."""

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Return the standard output; raise `CommandError`."""


class Workers:
    """The workers of the cluster that `kubectl` reaches."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def names(self) -> list[str]:
        """Return the names of the nodes."""
        return [node["metadata"]["name"] for node in self._nodes()]

    def are_usable(self) -> bool:
        """Return whether all of them are there and Ready."""
        nodes = self._nodes()
        return len(nodes) == WORKERS and all(is_usable(node) for node in nodes)

    def wait(self) -> None:
        """Return once all are Ready; raise `ClusterError` if that takes too long."""
        wait_until(
            self.are_usable,
            timeout_seconds=READY_SECONDS,
            complaint=lambda: (
                f"the kind cluster's workers are not Ready:\n{self._kubectl('get', 'nodes', '-o', 'wide')}"
            ),
        )

    def advertise_gpus(self) -> None:
        """Give every node its GPUs, and wait until the kubelets count them as allocatable."""
        for node in self._nodes():
            if allocatable(node, resource=GPU_RESOURCE) != GPUS_PER_WORKER:
                gpus = {GPU_RESOURCE: str(GPUS_PER_WORKER)}
                # the kubelet derives the allocatable amount from the capacity seconds later
                status = {"status": {"capacity": gpus, "allocatable": gpus}}
                name = node["metadata"]["name"]
                self._kubectl("patch", "node", name, "--subresource=status", "-p", json.dumps(status))
        wait_until(
            lambda: all(allocatable(node, resource=GPU_RESOURCE) == GPUS_PER_WORKER for node in self._nodes()),
            timeout_seconds=READY_SECONDS,
            complaint=lambda: f"the kubelets do not make the nodes' capacity of {GPU_RESOURCE} allocatable",
        )

    def _nodes(self) -> list[dict[str, Any]]:
        return list(json.loads(self._kubectl("get", "nodes", "-l", PRODUCT_LABEL, "-o", "json"))["items"])
