"""What the conditions of an object say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def condition_of(status: Mapping[str, Any], kind: str) -> tuple[str, str]:
    """Status and reason of a condition; two empty texts if it is not there."""
    for each in status.get("conditions") or []:
        if each["type"] == kind:
            return each["status"], each.get("reason", "")
    return "", ""
