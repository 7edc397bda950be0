"""Reading an object again when a write shows that the store is behind.

The next look then decides on what is there, even if the watch that should have told is slow or silent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from embedding_operator.kube.client import Client
from embedding_operator.kube.errors import Conflict, Gone
from embedding_operator.kube.metadata import Body, service_of
from embedding_operator.kube.resources import Resource
from embedding_operator.kube.store import ObjectKey, ObjectStore


@asynccontextmanager
async def read_again_if_outdated(
    client: Client, store: ObjectStore, resource: Resource, key: ObjectKey
) -> AsyncIterator[None]:
    """Bring what is known of `key` up to date when the body raises `Conflict` or `Gone`, and raise it on."""
    try:
        yield
    except (Conflict, Gone):
        known = store.get(*key)
        if known is not None:
            await _read_again(client, store, resource, key, known=known)
        raise


async def _read_again(client: Client, store: ObjectStore, resource: Resource, key: ObjectKey, *, known: Body) -> None:
    try:
        live = await client.get(resource, namespace=key.namespace, name=key.name)
    except Gone:
        store.remove(*key, uid=known["metadata"]["uid"])
        return
    if service_of(known) is not None and service_of(live) is None:
        # Somebody else's object has the name now. No watch would tell when it goes, so it must not be kept.
        store.remove(*key, uid=known["metadata"]["uid"])
    else:
        store.upsert(key.kind, live)
