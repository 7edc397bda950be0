"""Full lists of everything that is watched: at startup, and periodically to repair what the watches missed."""

from collections.abc import Collection
from dataclasses import dataclass

from embedding_operator.kube.client import Client, Listing
from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.kube.resources import (
    CHILDREN,
    EMBEDDING_SERVICE,
    GPU_POOL,
    NAMESPACE,
    NODE,
    POD,
    SCALING_SCHEDULE,
    Resource,
)
from embedding_operator.kube.store import Change, ObjectStore, version_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A kind that is kept in the store, and the label selector of the objects to keep."""

    resource: Resource
    selector: str = ""


# Owners come first: a child is never processed before its service is known.
SOURCES = (
    Source(resource=NAMESPACE),
    Source(resource=NODE),
    Source(resource=GPU_POOL),
    Source(resource=SCALING_SCHEDULE),
    Source(resource=EMBEDDING_SERVICE),
    *(Source(resource=child, selector=MANAGED_SELECTOR) for child in CHILDREN),
    Source(resource=POD, selector=MANAGED_SELECTOR),
)


async def list_each(
    client: Client, resource: Resource, *, namespaces: Collection[str], selector: str = ""
) -> list[Listing]:
    """Return one list for each of `namespaces`; a single full list if there are none or the kind is cluster-scoped.

    Raises `Gone` if the API server does not know the kind.
    """
    places = sorted(namespaces) if resource.namespaced and namespaces else [""]
    return [await client.list_all(resource, namespace=place, selector=selector) for place in places]


async def relist(
    client: Client, store: ObjectStore, source: Source, *, namespaces: Collection[str] = ()
) -> frozenset[Change]:
    """Read a full list of one kind into `store`; return the resulting changes.

    Namespaced kinds are listed in `namespaces`, or in all if there are none. Raises `Gone` if the API server does not
    know the kind.
    """
    listings = await list_each(client, source.resource, namespaces=namespaces, selector=source.selector)
    # With several lists, the oldest version decides what counts as missing: newer objects are kept.
    oldest = min((listing.resource_version for listing in listings), key=version_number)
    bodies = [body for listing in listings for body in listing.items]
    return store.replace_all(source.resource.kind, bodies, resource_version=oldest)


async def relist_all(client: Client, store: ObjectStore, *, namespaces: Collection[str] = ()) -> frozenset[Change]:
    """Read full lists of all `SOURCES` into `store`; return the resulting changes."""
    changes: frozenset[Change] = frozenset()
    for source in SOURCES:
        changes |= await relist(client, store, source, namespaces=namespaces)
    return changes
