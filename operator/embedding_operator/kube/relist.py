"""Full lists of everything that is watched: at the start, and now and then to repair what the watches missed."""

from dataclasses import dataclass

from embedding_operator.kube.client import Client
from embedding_operator.kube.labels import MANAGED_SELECTOR
from embedding_operator.kube.resources import (
    DEPLOYMENT,
    EMBEDDING_SERVICE,
    GPU_POOL,
    NAMESPACE,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    SCALING_SCHEDULE,
    SERVICE,
    Resource,
)
from embedding_operator.kube.store import Change, ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A kind that is kept in the store, and the label selector of the objects that are."""

    resource: Resource
    selector: str = ""


# Those that own come first: a child is never looked at before its service is known.
SOURCES = (
    Source(resource=NAMESPACE),
    Source(resource=NODE),
    Source(resource=GPU_POOL),
    Source(resource=SCALING_SCHEDULE),
    Source(resource=EMBEDDING_SERVICE),
    Source(resource=DEPLOYMENT, selector=MANAGED_SELECTOR),
    Source(resource=SERVICE, selector=MANAGED_SELECTOR),
    Source(resource=POD_DISRUPTION_BUDGET, selector=MANAGED_SELECTOR),
    Source(resource=POD, selector=MANAGED_SELECTOR),
)


async def relist(client: Client, store: ObjectStore, source: Source) -> frozenset[Change]:
    """Take a full list of one kind into `store`; return what changed by it.

    Raises `Gone` where the API server does not know the kind.
    """
    listing = await client.list_all(source.resource, selector=source.selector)
    return store.replace_all(source.resource.kind, listing.items, resource_version=listing.resource_version)


async def relist_all(client: Client, store: ObjectStore) -> frozenset[Change]:
    """Take full lists of all `SOURCES` into `store`; return what changed by them."""
    changes: frozenset[Change] = frozenset()
    for source in SOURCES:
        changes |= await relist(client, store, source)
    return changes
