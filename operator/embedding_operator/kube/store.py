"""What the operator knows about the cluster: one copy of every object that it reads, by kind, namespace and name.

Watch events, full lists and the answers to the operator's own writes all end up here. They arrive in any order, so an
older version never replaces a newer one, and an object that was seen to be deleted does not come back under its UID.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from embedding_operator.kube.metadata import Body, service_of
from embedding_operator.kube.projection import fingerprint, significant, trimmed

REMEMBERED_DELETIONS = 8192


class ObjectKey(NamedTuple):
    """Where an object is; `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str


class Change(NamedTuple):
    """An object that was added, changed or removed; `service` names the EmbeddingService that it belongs to, if any."""

    key: ObjectKey
    service: str | None


@dataclass(frozen=True, slots=True)
class _Entry:
    body: dict[str, Any]
    fingerprint: str | None


class ObjectStore:
    """The newest known state of every object. The bodies that it returns are shared and must not be changed."""

    def __init__(self) -> None:
        self._objects: defaultdict[str, dict[tuple[str, str], _Entry]] = defaultdict(dict)
        self._by_service: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._deleted: OrderedDict[str, None] = OrderedDict()
        self._listed: dict[str, int] = {}

    def upsert(self, kind: str, body: Body) -> bool:
        """Store `body` as the API server sent it; return whether it holds anything new that matters.

        False for an older version, for an object that is known to be deleted, and if only bookkeeping changed
        (resourceVersion, managedFields, the operator's own status).
        """
        key = _place(body)
        if body["metadata"]["uid"] in self._deleted:
            return False
        known = self._objects[kind].get(key)
        if known is not None and _version(body) < _version(known.body):
            return False
        entry = _Entry(trimmed(kind, body), fingerprint(kind, body))
        self._put(kind, key, entry)
        if known is None:
            return True
        return known.fingerprint != entry.fingerprint or significant(kind, known.body) != significant(kind, entry.body)

    def remove(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> bool:
        """Forget a deleted object; return False if it is not known, or if its name now belongs to another UID."""
        known = self._objects[kind].get((namespace, name))
        if uid is not None:
            self._remember_deletion(uid)
        if known is None or (uid is not None and known.body["metadata"]["uid"] != uid):
            return False
        self._remember_deletion(known.body["metadata"]["uid"])
        self._drop(kind, (namespace, name))
        return True

    def replace_all(self, kind: str, bodies: Iterable[Body], *, resource_version: str) -> frozenset[Change]:
        """Store a full list made at `resource_version`; return the resulting changes.

        This repairs what the watches missed: objects that are not in the list are forgotten, unless they are newer.
        """
        listed_at = version_number(resource_version)
        if listed_at < self._listed.get(kind, 0):
            # A server restored from a backup goes back to earlier versions: nothing kept is comparable.
            for place in list(self._objects[kind]):
                self._drop(kind, place)
            self._deleted.clear()
        self._listed[kind] = listed_at
        changes: set[Change] = set()
        present: set[tuple[str, str]] = set()
        for body in bodies:
            place = _place(body)
            present.add(place)
            if self.upsert(kind, body):
                changes.add(Change(ObjectKey(kind, *place), service_of(body)))
        for place, entry in list(self._objects[kind].items()):
            if place not in present and _version(entry.body) <= listed_at:
                changes.add(Change(ObjectKey(kind, *place), service_of(entry.body)))
                self.remove(kind, *place)
        return frozenset(changes)

    def get(self, kind: str, namespace: str, name: str) -> Body | None:
        """Return one object as stored, or None."""
        entry = self._objects[kind].get((namespace, name))
        return None if entry is None else entry.body

    def all(self, kind: str) -> tuple[Body, ...]:
        """Return every object of `kind`, sorted by namespace and name."""
        return tuple(entry.body for _, entry in sorted(self._objects[kind].items()))

    def owned(self, kind: str, *, namespace: str, service: str) -> tuple[Body, ...]:
        """Return the objects of `kind` that are labelled with an EmbeddingService, sorted by name."""
        names = self._by_service.get((kind, namespace, service), ())
        return tuple(self._objects[kind][namespace, name].body for name in sorted(names))

    def service_of(self, kind: str, namespace: str, name: str) -> str | None:
        """Return the EmbeddingService that an object is labelled with; None if there is no such object or label."""
        body = self.get(kind, namespace, name)
        return None if body is None else service_of(body)

    def fingerprint(self, key: ObjectKey) -> str | None:
        """Return the digest of the editable part of a child as last seen; None if the child is not known."""
        entry = self._objects[key.kind].get((key.namespace, key.name))
        return None if entry is None else entry.fingerprint

    def _put(self, kind: str, key: tuple[str, str], entry: _Entry) -> None:
        self._drop(kind, key)
        self._objects[kind][key] = entry
        service = service_of(entry.body)
        if service is not None:
            self._by_service[kind, key[0], service].add(key[1])

    def _drop(self, kind: str, key: tuple[str, str]) -> None:
        known = self._objects[kind].pop(key, None)
        service = None if known is None else service_of(known.body)
        if service is not None:
            names = self._by_service[kind, key[0], service]
            names.discard(key[1])
            if not names:
                del self._by_service[kind, key[0], service]

    def _remember_deletion(self, uid: str) -> None:
        self._deleted[uid] = None
        if len(self._deleted) > REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)


def _place(body: Body) -> tuple[str, str]:
    metadata = body["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _version(body: Body) -> int:
    return version_number(body["metadata"]["resourceVersion"])


def version_number(resource_version: str) -> int:
    """Return a resourceVersion as a number, which Kubernetes 1.35 and newer guarantee it is; 0 for anything else."""
    return int(resource_version) if resource_version.isdecimal() else 0
