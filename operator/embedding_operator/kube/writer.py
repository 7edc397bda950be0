"""The children of an EmbeddingService: applied if they differ from what is rendered, deleted if not rendered.

A child is left alone while nothing changed on either side: the rendered digest is the one last applied, and the live
object is still what the server answered then. Objects that do not belong to the service are never touched.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from embedding_operator.kube.client import Body, Client
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.metadata import Body as StoredBody
from embedding_operator.kube.metadata import controller_of, described_owner, is_owned_by, is_victim, victim_patch
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.refresh import read_again_if_outdated
from embedding_operator.kube.resources import CHILDREN, EMBEDDING_SERVICE, POD, SERVICE, Resource
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.rendering.manifest import Manifest


class WriteOutcome(StrEnum):
    """The result of applying a manifest."""

    UNCHANGED = "Unchanged"
    CREATED = "Created"
    APPLIED = "Applied"
    NAME_CONFLICT = "NameConflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The outcome for one manifest; in a name conflict, `message` says what owns the name."""

    key: ObjectKey
    outcome: WriteOutcome
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCheck:
    """Which names of children are free, and what owns one that belongs to another owner; None if there is none."""

    free: frozenset[ObjectKey] = frozenset()
    conflict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _LastApply:
    uid: str
    digest: str
    fingerprint: str | None


ATTEMPTS = 3
"""How often a write is sent while only the status of the object changes."""

_RESOURCES = {resource.kind: resource for resource in CHILDREN}


class ChildWriter:
    """Writes children through `client` and stores every answer in `store` at once."""

    def __init__(self, client: Client, *, store: ObjectStore) -> None:
        self._client = client
        self._store = store
        self._applied: defaultdict[str, dict[ObjectKey, _LastApply]] = defaultdict(dict)

    async def check_names(self, manifests: Iterable[Manifest], *, owner: ServiceObject) -> NameCheck:
        """Return whether all of `manifests` can be applied as far as their names are concerned; write nothing.

        Raises `Conflict` if a name belongs to an earlier service of this name, which is being deleted.
        """
        free = set()
        for manifest in manifests:
            key = ObjectKey(manifest.kind, manifest.namespace, manifest.name)
            live = self._store.get(*key) or await self._looked_up(_RESOURCES[manifest.kind], key)
            if live is None:
                free.add(key)
            elif not is_owned_by(live, uid=owner.uid):
                return NameCheck(conflict=_name_conflict(key, live=live, owner=owner).message)
        return NameCheck(free=frozenset(free))

    def address(self, owner: ServiceObject) -> str | None:
        """Return the IP address of the Service that has the name of `owner`, as last seen; None if there is none."""
        live = self._store.get(SERVICE.kind, owner.namespace, owner.name)
        if live is None or not is_owned_by(live, uid=owner.uid):
            return None
        address: str | None = live["spec"].get("clusterIP")
        return address

    async def apply(
        self,
        manifest: Manifest,
        *,
        owner: ServiceObject,
        free: Collection[ObjectKey] = (),
        address: str | None = None,
    ) -> Applied:
        """Apply `manifest` if the child differs from it; a child whose key is in `free` is not looked up again.

        A Service that has to be created gets `address`, or a new one if the API server refuses that one.

        Raises `Conflict` if the object is edited concurrently or is terminating, so that the next attempt decides on
        its state then. Its status may change meanwhile: the write is then sent again, for the object as it is now.
        """
        key = ObjectKey(manifest.kind, manifest.namespace, manifest.name)
        resource = _RESOURCES[manifest.kind]
        for attempt in range(1, ATTEMPTS + 1):
            known = self._store.fingerprint(key)
            try:
                async with read_again_if_outdated(self._client, self._store, resource, key):
                    return await self._apply(
                        manifest, key=key, resource=resource, owner=owner, free=free, address=address
                    )
            except Conflict:
                if attempt == ATTEMPTS or known is None or self._store.fingerprint(key) != known:
                    raise
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    async def prune(self, owner: ServiceObject, *, keep: Collection[ObjectKey]) -> tuple[ObjectKey, ...]:
        """Delete the children of `owner` that are not in `keep`; return their keys.

        Only objects that `owner` controls are deleted, and only if unchanged since they were seen. Raises `Conflict`
        otherwise.
        """
        surplus = [key for key in self._children(owner) if key not in keep]
        for key in surplus:
            live = self._store.get(*key)
            if live is not None:
                await self._delete(key, live=live)
                self._applied[owner.uid].pop(key, None)
        return tuple(surplus)

    async def mark_victims(self, owner: ServiceObject, *, names: Collection[str]) -> None:
        """Mark the pods called `names`, and no other pods of `owner`, to be deleted first.

        Call this before lowering replicas: the Deployment's controller reads the marks then.
        """
        for pod in self._store.owned(POD.kind, namespace=owner.namespace, service=owner.name):
            name = pod["metadata"]["name"]
            chosen = name in names
            if chosen == is_victim(pod) or "deletionTimestamp" in pod["metadata"]:
                continue
            try:
                patch = victim_patch(chosen=chosen)
                answer = await self._client.merge(POD, patch, name=name, namespace=owner.namespace)
            except Gone:
                self._store.remove(POD.kind, owner.namespace, name, uid=pod["metadata"]["uid"])
            else:
                self._store.upsert(POD.kind, answer)

    def forget(self, owner_uid: str) -> None:
        """Drop what is remembered about the children of a service that is gone."""
        self._applied.pop(owner_uid, None)

    async def _apply(
        self,
        manifest: Manifest,
        *,
        key: ObjectKey,
        resource: Resource,
        owner: ServiceObject,
        free: Collection[ObjectKey],
        address: str | None,
    ) -> Applied:
        live = self._store.get(*key)
        if live is not None and self._is_current(key, live=live, digest=manifest.digest, owner=owner):
            return Applied(key=key, outcome=WriteOutcome.UNCHANGED)
        if live is None and key not in free:
            live = await self._looked_up(resource, key)
        if live is None:
            answer = await self._create(resource, manifest.body, address=address)
            self._took(key, answer, digest=manifest.digest, owner=owner)
            return Applied(key=key, outcome=WriteOutcome.CREATED)
        if not is_owned_by(live, uid=owner.uid):
            return _name_conflict(key, live=live, owner=owner)
        if "deletionTimestamp" in live["metadata"]:
            message = f"{key.kind} {key.namespace}/{key.name} is being deleted: it is recreated when it is gone"
            raise Conflict(message)
        answer = await self._client.apply(resource, _only_for(live, manifest.body), force=True)
        self._took(key, answer, digest=manifest.digest, owner=owner)
        return Applied(key=key, outcome=WriteOutcome.APPLIED)

    async def _create(self, resource: Resource, body: Body, *, address: str | None) -> Body:
        """Create a child; without force, one that is created elsewhere at the same moment is not overwritten."""
        if address is not None:
            try:
                at_address = {**body, "spec": {**body["spec"], "clusterIP": address}}
                return await self._client.apply(resource, at_address, force=False)
            except Unavailable as error:
                # Taken meanwhile, or of a range that the cluster no longer has.
                if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
        return await self._client.apply(resource, body, force=False)

    def _is_current(self, key: ObjectKey, *, live: StoredBody, digest: str, owner: ServiceObject) -> bool:
        wanted = _LastApply(uid=live["metadata"]["uid"], digest=digest, fingerprint=self._store.fingerprint(key))
        return self._applied[owner.uid].get(key) == wanted and "deletionTimestamp" not in live["metadata"]

    async def _looked_up(self, resource: Resource, key: ObjectKey) -> StoredBody | None:
        """Return an object that is not in the store: it is not ours, lacks our labels, or is very new."""
        try:
            return await self._client.get(resource, name=key.name, namespace=key.namespace)
        except Gone:
            return None

    def _took(self, key: ObjectKey, answer: Body, *, digest: str, owner: ServiceObject) -> None:
        self._store.upsert(key.kind, answer)
        self._applied[owner.uid][key] = _LastApply(
            uid=answer["metadata"]["uid"], digest=digest, fingerprint=self._store.fingerprint(key)
        )

    def _children(self, owner: ServiceObject) -> Iterable[ObjectKey]:
        for kind in _RESOURCES:
            for body in self._store.owned(kind, namespace=owner.namespace, service=owner.name):
                if is_owned_by(body, uid=owner.uid) and "deletionTimestamp" not in body["metadata"]:
                    yield ObjectKey(kind, owner.namespace, body["metadata"]["name"])

    async def _delete(self, key: ObjectKey, *, live: StoredBody) -> None:
        metadata, resource = live["metadata"], _RESOURCES[key.kind]
        try:
            async with read_again_if_outdated(self._client, self._store, resource, key):
                answer = await self._client.delete(
                    resource,
                    namespace=key.namespace,
                    name=key.name,
                    uid=metadata["uid"],
                    resource_version=metadata["resourceVersion"],
                )
        except Gone:
            return
        if "deletionTimestamp" in answer.get("metadata", {}):
            self._store.upsert(key.kind, answer)
        else:
            self._store.remove(*key, uid=metadata["uid"])


def _only_for(live: StoredBody, body: Body) -> Body:
    """Return `body` so that it applies only to the object as it was read.

    Not to another one of that name, nor after a write of another process: what a former leader sent arrives too late.
    """
    read = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **read}}


def _name_conflict(key: ObjectKey, *, live: StoredBody, owner: ServiceObject) -> Applied:
    controller = controller_of(live) or {}
    if (controller.get("kind"), controller.get("name")) == (EMBEDDING_SERVICE.kind, owner.name):
        message = f"{key.kind} {key.namespace}/{key.name} belongs to an earlier {owner.name} and is removed with it"
        raise Conflict(message)
    message = f"{key.kind} {key.name} exists and is controlled by {described_owner(live)}: rename one of the two"
    return Applied(key=key, outcome=WriteOutcome.NAME_CONFLICT, message=message)
