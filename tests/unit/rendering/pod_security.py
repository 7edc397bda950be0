"""The restricted Pod Security Standard of Kubernetes, as far as a pod without init containers can break it."""

from collections.abc import Iterator, Mapping
from typing import Any

ALLOWED_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def violations(pod: Mapping[str, Any]) -> list[str]:
    """Return what the standard forbids about a pod spec."""
    return [*_of_pod(pod), *(each for container in pod["containers"] for each in _of_container(container))]


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "initContainers"):
        if field in pod:
            yield field
    security = pod["securityContext"]
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 1) == 0:
        yield "root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    for volume in pod["volumes"]:
        kinds = set(volume) - {"name"}
        if not kinds <= ALLOWED_VOLUMES:
            yield f"volume {sorted(kinds)}"


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    security = container["securityContext"]
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "privileges"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    if "seccompProfile" in security or "runAsNonRoot" in security or "runAsUser" in security:
        yield "container overrides the pod"
    if any("hostPort" in port for port in container["ports"]):
        yield "hostPort"
