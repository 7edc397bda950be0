"""The gateway pods of a service, and their disruptions."""

from __future__ import annotations

from collections.abc import Collection

from e2e.scenarios.clients import CLIENT_LABEL
from e2e.scenarios.watching import SERVICE_LABEL, Watched

CHANGE_SECONDS = 120.0


def gateway_pods(service: Watched) -> list[str]:
    """Return the names of the gateway pods."""
    selection = f"--selector={SERVICE_LABEL}={service.name},app.kubernetes.io/component=gateway"
    found = service.installation.objects("pods", f"--namespace={service.namespace}", selection)
    return [body["metadata"]["name"] for body in found]


def delete_a_gateway_pod(service: Watched) -> None:
    """Delete one of them; return once it is gone and all are Ready again."""
    pods = gateway_pods(service)
    place = f"--namespace={service.namespace}"
    service.installation.cluster.kubectl("delete", "pod", pods[0], place, "--wait=false")
    _wait_for_gateways(service, gone=pods[:1])


def drain_nodes(service: Watched, *, nodes: str) -> None:
    """Drain the nodes with a label of all pods except clients; return once all gateways are Ready on other nodes."""
    cluster = service.installation.cluster
    drain = ("drain", f"--selector={nodes}", "--ignore-daemonsets", "--delete-emptydir-data")
    others = (f"--pod-selector=!{CLIENT_LABEL}", f"--timeout={CHANGE_SECONDS:.0f}s")
    try:
        cluster.kubectl(*drain, *others, timeout_seconds=CHANGE_SECONDS + 10)
        _wait_for_gateways(service, gone=())
    finally:
        cluster.kubectl("uncordon", f"--selector={nodes}")


def _wait_for_gateways(service: Watched, *, gone: Collection[str]) -> None:
    service.wait_for(
        lambda _: not set(gone) & set(gateway_pods(service)), seconds=CHANGE_SECONDS, purpose="a gateway pod is gone"
    )
    deployment = f"deployment/{service.name}-gateway"
    place, limit = f"--namespace={service.namespace}", f"--timeout={CHANGE_SECONDS:.0f}s"
    service.installation.cluster.kubectl(
        "rollout", "status", deployment, place, limit, timeout_seconds=CHANGE_SECONDS + 10
    )
