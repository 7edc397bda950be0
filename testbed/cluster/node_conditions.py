"""What a node says of itself in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_usable(node: Mapping[str, Any]) -> bool:
    """Whether a node is Ready and nothing keeps pods off it."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node.get("spec", {}).get("taints")


def allocatable(node: Mapping[str, Any], *, resource: str) -> int:
    """How much of a countable resource pods may take on a node; 0 if the node does not know it."""
    return int(node.get("status", {}).get("allocatable", {}).get(resource, "0"))
