"""The labels by which the operator finds its own objects."""

from collections.abc import Mapping
from typing import Any

from embedding_operator.rendering.names import FIELD_MANAGER, MANAGED_BY, SERVICE

MANAGED_SELECTOR = f"{MANAGED_BY}={FIELD_MANAGER},{SERVICE}"
"""Selects what belongs to any EmbeddingService."""


def service_of(body: Mapping[str, Any]) -> str | None:
    """Return the name of the EmbeddingService that a child or pod is labelled with."""
    labels = body["metadata"].get("labels") or {}
    name = labels.get(SERVICE)
    return str(name) if name is not None and labels.get(MANAGED_BY) == FIELD_MANAGER else None
