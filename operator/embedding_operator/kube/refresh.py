"""Rereading an object when a write shows that the store is out of date.

The next reconcile then decides on the current state, even if the watch that should have reported it is slow or silent.
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
    """Update the stored object of `key` when the body raises `Conflict` or `Gone`, and re-raise the error."""
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
        # An object that is not ours has the name now. No watch would report its deletion, so it must not be kept.
        store.remove(*key, uid=known["metadata"]["uid"])
    else:
        store.upsert(key.kind, live)
