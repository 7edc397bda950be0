"""Which images the nodes of the kind cluster hold, by a label with the identity of the image in Docker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .docker_engine import DockerEngine
from .errors import ClusterError

CONTAINERD = ("ctr", "--namespace", "k8s.io")
LOADED_LABEL = "embedding-operator/loaded"


def missing_images(engine: DockerEngine, references: Sequence[str], *, nodes: Sequence[str]) -> dict[str, str]:
    """Return the images that some node lacks, each with its label; raise `ClusterError` if Docker lacks one."""
    labels = {reference: _label(engine, reference) for reference in references}
    return {
        reference: label
        for reference, label in labels.items()
        if not all(_holds(engine, node, reference, label=label) for node in nodes)
    }


def label_images(engine: DockerEngine, labels: Mapping[str, str], *, nodes: Sequence[str]) -> None:
    """Record on every node that it holds these images."""
    for node in nodes:
        for reference, label in labels.items():
            engine.run("exec", node, *CONTAINERD, "images", "label", full_reference(reference), label)


def full_reference(reference: str) -> str:
    """Return containerd's name for an image that Docker calls `reference`."""
    first, slash, _ = reference.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if has_host:
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"


def _label(engine: DockerEngine, reference: str) -> str:
    identity = engine.image_id(reference)
    if identity is None:
        message = f"cannot load {reference}: the Docker engine has no image of that name"
        raise ClusterError(message)
    return f"{LOADED_LABEL}={identity}"


def _holds(engine: DockerEngine, node: str, reference: str, *, label: str) -> bool:
    name, _, identity = label.partition("=")
    conditions = f'name=="{full_reference(reference)}",labels."{name}"=="{identity}"'
    return bool(engine.run("exec", node, *CONTAINERD, "images", "ls", "--quiet", conditions).strip())
