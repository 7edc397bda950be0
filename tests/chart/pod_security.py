"""The Pod Security Standard `restricted`, which the chart's pods must meet."""

from collections.abc import Iterator, Mapping
from typing import Any

ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def restricted_violations(pod: Mapping[str, Any]) -> list[str]:
    """Return why `pod`, a PodSpec, is not restricted, and why its root file system is writable."""
    return [*_of_pod(pod), *(found for container in _containers(pod) for found in _of_container(container, pod))]


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    for volume in pod.get("volumes", []):
        if not volume.keys() - {"name"} <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']}"


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    expected: dict[str, Any] = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
        "privileged": None,
    }
    for field, value in expected.items():
        if context.get(field) != value:
            yield f"{container['name']}: {field} is {context.get(field)!r}"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{container['name']}: hostPort"
