"""The state of a node in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_usable(node: Mapping[str, Any]) -> bool:
    """Return whether a node is Ready and nothing keeps pods off it."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node.get("spec", {}).get("taints")


def allocatable(node: Mapping[str, Any], *, resource: str) -> int:
    """Return the allocatable amount of a countable resource on a node; 0 if the node does not have it."""
    return int(node.get("status", {}).get("allocatable", {}).get(resource, "0"))
