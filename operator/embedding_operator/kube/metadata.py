"""Object metadata, read and written: owners, creation times, and which pods to delete first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embedding_operator.rendering.names import FIELD_MANAGER, MANAGED_BY, SERVICE

Body = Mapping[str, Any]
"""An object as the API server sends it, or the part of it that is kept."""

MANAGED_SELECTOR = f"{MANAGED_BY}={FIELD_MANAGER},{SERVICE}"
"""Selects the objects that belong to any EmbeddingService."""

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""Annotation by which a Deployment chooses the pods that it deletes first when it scales down."""

TEMPLATE_HASH = "pod-template-hash"

VICTIM_COST = "-10000"


def service_of(body: Body) -> str | None:
    """Return the name of the EmbeddingService that a child or pod is labelled with."""
    labels = body["metadata"].get("labels") or {}
    name = labels.get(SERVICE)
    return str(name) if name is not None and labels.get(MANAGED_BY) == FIELD_MANAGER else None


def controller_of(body: Body) -> Mapping[str, Any] | None:
    """Return the owner reference of an object's controller, or None."""
    references = body["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def is_owned_by(body: Body, *, uid: str) -> bool:
    """Return whether the object with `uid` controls an object."""
    controller = controller_of(body)
    return controller is not None and controller["uid"] == uid


def is_pod_of(pod: Body, *, deployment: str) -> bool:
    """Return whether a ReplicaSet of `deployment` controls a pod: labels alone could be written by anyone.

    Deployments name their ReplicaSets after the hash of the template, which their pods carry as a label.
    """
    controller, labels = controller_of(pod) or {}, pod["metadata"].get("labels") or {}
    name = f"{deployment}-{labels.get(TEMPLATE_HASH)}"
    return (controller.get("kind"), controller.get("name")) == ("ReplicaSet", name)


def described_owner(body: Body) -> str:
    """Return a description of the controller of an object."""
    controller = controller_of(body)
    if controller is None:
        return "no known owner"
    return f"{controller['kind']} {controller['name']}"


def instant(text: str) -> datetime:
    """Return the instant of an RFC 3339 timestamp."""
    return datetime.fromisoformat(text).astimezone(UTC)


def utc_now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


def rfc3339_micro(moment: datetime) -> str:
    """Return `moment` as a Kubernetes `MicroTime`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_victim(pod: Body) -> bool:
    """Return whether the operator chose this pod to be deleted first."""
    annotations = pod["metadata"].get("annotations") or {}
    return annotations.get(DELETION_COST) == VICTIM_COST


def victim_patch(*, chosen: bool) -> dict[str, Any]:
    """Return the merge patch that marks a pod as a victim, or removes the mark."""
    return {"metadata": {"annotations": {DELETION_COST: VICTIM_COST if chosen else None}}}
