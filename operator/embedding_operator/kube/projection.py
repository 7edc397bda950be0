"""Which part of each object is kept, and which part counts as a change.

Thousands of pods and Deployments are kept, so only what is read is worth its memory. Every status write and every
heartbeat comes back as an event, so only what matters is worth a reconcile.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedding_operator.kube.metadata import Body
from embedding_operator.kube.resources import CHILDREN, CUSTOM, DEPLOYMENT, NAMESPACE, NODE, POD, SERVICE

_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "labels", "creationTimestamp")
_OWNED = (*_METADATA, "annotations", "ownerReferences", "deletionTimestamp")
_CONDITION = ("type", "status", "reason", "message")
_WAITING_CONTAINER = ("name", "ready", "restartCount", "state", "lastState")

_CHILD_KINDS = frozenset(resource.kind for resource in CHILDREN)
_CUSTOM_KINDS = frozenset(resource.kind for resource in CUSTOM)

# Objects in a list lack the first two.
_NOT_SAID = frozenset({"apiVersion", "kind", "metadata", "status"})

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"


def trimmed(kind: str, body: Body) -> dict[str, Any]:
    """Return the part of an object that the operator reads; `body` is what the API server sent."""
    return _TRIMMERS.get(kind, _without_managed_fields)(body)


def significant(kind: str, kept: Body) -> Any:
    """Return the part of a trimmed object whose changes are worth a reconcile."""
    if kind in _CUSTOM_KINDS:
        return _picked(kept["metadata"], ("uid", "generation", "labels", "annotations", "deletionTimestamp"))
    metadata = {key: value for key, value in kept["metadata"].items() if key != "resourceVersion"}
    return {**kept, "metadata": metadata}


def fingerprint(kind: str, body: Body) -> str | None:
    """Return a digest of the editable part of a child; None for kinds that are not children.

    Status, and what controllers write beside it, is left out: it changes without an edit. Not every kind has a `spec`:
    ConfigMaps, RoleBindings and ServiceAccounts hold their content next to their metadata.
    """
    if kind not in _CHILD_KINDS:
        return None
    metadata = body["metadata"]
    annotations = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key != REVISION_ANNOTATION
    }
    says = {key: value for key, value in body.items() if key not in _NOT_SAID}
    edited = (metadata.get("labels"), annotations, metadata.get("ownerReferences"), says)
    return hashlib.blake2b(json.dumps(edited, sort_keys=True).encode(), digest_size=16).hexdigest()


def _picked(source: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: source[key] for key in keys if source.get(key) is not None}


def _without_managed_fields(body: Body) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def _namespace(body: Body) -> dict[str, Any]:
    return {"metadata": _picked(body["metadata"], (*_METADATA, "deletionTimestamp"))}


def _child(body: Body) -> dict[str, Any]:
    return {"metadata": _picked(body["metadata"], _OWNED)}


def _service(body: Body) -> dict[str, Any]:
    return {**_child(body), "spec": _picked(body.get("spec") or {}, ("clusterIP",))}


def _deployment(body: Body) -> dict[str, Any]:
    status = body.get("status") or {}
    return {
        "metadata": _picked(body["metadata"], _OWNED),
        "spec": _picked(body["spec"], ("replicas", "paused")),
        "status": {
            **_picked(status, ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas")),
            "conditions": [_picked(condition, _CONDITION) for condition in status.get("conditions") or ()],
        },
    }


def _pod(body: Body) -> dict[str, Any]:
    status = body.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return {
        "metadata": _picked(body["metadata"], _OWNED),
        "spec": _picked(body.get("spec") or {}, ("nodeName",)),
        "status": {
            **_picked(status, ("phase", "podIP", "reason", "message")),
            "conditions": [
                _picked(condition, (*_CONDITION, "lastTransitionTime")) for condition in status.get("conditions") or ()
            ],
            "containers": [_picked(container, _WAITING_CONTAINER) for container in containers],
        },
    }


def _node(body: Body) -> dict[str, Any]:
    status = body.get("status") or {}
    return {
        "metadata": _picked(body["metadata"], (*_METADATA, "deletionTimestamp")),
        "spec": _picked(body.get("spec") or {}, ("unschedulable", "taints")),
        "status": {
            **_picked(status, ("allocatable",)),
            "conditions": [
                _picked(condition, ("type", "status"))
                for condition in status.get("conditions") or ()
                if condition.get("type") == "Ready"
            ],
        },
    }


_TRIMMERS: dict[str, Callable[[Body], dict[str, Any]]] = {
    **dict.fromkeys(_CHILD_KINDS, _child),
    DEPLOYMENT.kind: _deployment,
    NAMESPACE.kind: _namespace,
    NODE.kind: _node,
    POD.kind: _pod,
    SERVICE.kind: _service,
}
