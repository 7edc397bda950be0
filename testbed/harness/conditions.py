"""The conditions of an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def condition_of(status: Mapping[str, Any], kind: str) -> tuple[str, str]:
    """Return the status and reason of a condition; two empty strings if it is not there."""
    for each in status.get("conditions") or []:
        if each["type"] == kind:
            return each["status"], each.get("reason", "")
    return "", ""
