"""Which pods a Deployment ends first when it shrinks, said by Kubernetes' pod-deletion-cost annotation."""

from collections.abc import Mapping
from typing import Any

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"
COST = "-10000"


def is_marked(pod: Mapping[str, Any]) -> bool:
    """Return whether the operator chose this pod to end first."""
    annotations = pod["metadata"].get("annotations") or {}
    return annotations.get(ANNOTATION) == COST


def marking(*, chosen: bool) -> dict[str, Any]:
    """Return the merge patch that chooses a pod, or takes the choice back."""
    return {"metadata": {"annotations": {ANNOTATION: COST if chosen else None}}}
