"""Watch events of every kind that the operator reads, passed on unchanged."""

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.kube.resources import CHILDREN, CUSTOM, NAMESPACE, NODE, POD, Resource

Seen = Callable[[str, Mapping[str, Any], bool], None]
"""Takes the kind of an object, its body, and whether it was deleted."""

Began = Callable[[], None]

SELECTED = (*CHILDREN, POD)
WATCHED = (*CUSTOM, *SELECTED, NAMESPACE, NODE)


def register(registry: kopf.OperatorRegistry, *, seen: Seen, began: Began) -> None:
    """Watch every kind and pass its events to `seen`; call `began` when a watch begins anew, with a list."""
    for resource in WATCHED:
        _watch(registry, resource, seen=seen, began=began)


def select(settings: kopf.OperatorSettings) -> None:
    """Make the API server send only what belongs to an EmbeddingService."""
    for resource in SELECTED:
        group, _, version = resource.api_version.rpartition("/")
        settings.watching.label_selectors[group, version, resource.plural] = MANAGED_SELECTOR


def _watch(registry: kopf.OperatorRegistry, resource: Resource, *, seen: Seen, began: Began) -> None:
    group, _, version = resource.api_version.rpartition("/")

    async def observed(event: Mapping[str, Any], **_: object) -> None:
        if event["type"] is None:
            # An object of a list; those that were deleted since the last watch ended are not in it.
            began()
        seen(resource.kind, event["object"], event["type"] == "DELETED")

    kopf.on.event(group, version, resource.plural, id=resource.plural, registry=registry)(observed)
