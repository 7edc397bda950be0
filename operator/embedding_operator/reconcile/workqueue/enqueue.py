"""From changes in the cluster to the objects that must be reconciled again.

Watch events and full lists are treated alike: an event only says that something may have changed, never what to do.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from embedding_operator.kube.metadata import Body, service_of
from embedding_operator.kube.resources import EMBEDDING_SERVICE, GPU_POOL, NAMESPACE, NODE, SCALING_SCHEDULE
from embedding_operator.kube.store import Change, ObjectKey, ObjectStore


class KeySink(Protocol):
    """Takes keys to be reconciled."""

    def add(self, key: ObjectKey) -> None:
        """Request one reconcile of `key`, soon."""


class Enqueuer:
    """Keeps the store up to date and adds the keys that a change affects."""

    def __init__(self, *, store: ObjectStore, sink: KeySink) -> None:
        self._store = store
        self._sink = sink

    def seen(self, kind: str, body: Body, *, deleted: bool) -> None:
        """Process one watch event."""
        metadata = body["metadata"]
        key = ObjectKey(kind, metadata.get("namespace", ""), metadata["name"])
        if deleted:
            changed = self._store.remove(kind, key.namespace, key.name, uid=metadata["uid"])
        else:
            changed = self._store.upsert(kind, body)
        if changed:
            self._add(Change(key, service_of(body)))

    def listed(self, changes: Iterable[Change]) -> None:
        """Process the changes found by a full list."""
        for change in changes:
            self._add(change)

    def every_service(self) -> Iterator[ObjectKey]:
        """Return the key of every known EmbeddingService."""
        return (key_of(EMBEDDING_SERVICE.kind, body) for body in self._store.all(EMBEDDING_SERVICE.kind))

    def every_cluster_object(self) -> Iterator[ObjectKey]:
        """Return the key of every known GPUPool and ScalingSchedule."""
        for kind in (GPU_POOL.kind, SCALING_SCHEDULE.kind):
            yield from (key_of(kind, body) for body in self._store.all(kind))

    def _add(self, change: Change) -> None:
        for key in self._concerned(change):
            self._sink.add(key)

    def _concerned(self, change: Change) -> Iterator[ObjectKey]:
        kind, namespace, name = change.key
        if kind == EMBEDDING_SERVICE.kind:
            yield change.key
        elif change.service is not None:
            yield ObjectKey(EMBEDDING_SERVICE.kind, namespace, change.service)
        elif kind in (GPU_POOL.kind, SCALING_SCHEDULE.kind):
            yield change.key
            yield from self.every_service()
        elif kind == NAMESPACE.kind:
            yield from (key for key in self.every_service() if key.namespace == name)
        elif kind == NODE.kind:
            yield from (key_of(GPU_POOL.kind, body) for body in self._store.all(GPU_POOL.kind))


def key_of(kind: str, body: Body) -> ObjectKey:
    """Return the key of an object."""
    return ObjectKey(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
