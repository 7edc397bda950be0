"""The status of the operator's own kinds: written only when it says something new, never at rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from embedding_operator.kube.client import Client
from embedding_operator.kube.metadata import instant
from embedding_operator.kube.refresh import read_again_if_outdated
from embedding_operator.kube.resources import Resource
from embedding_operator.kube.store import ObjectKey, ObjectStore

Status = Mapping[str, Any]

FIGURES_SECONDS = 60.0
STATUS_MANAGER = "embedding-operator-status"

_BOOKKEEPING = frozenset({"at", "memory"})


def needs_write(old: Status, new: Status, *, now: datetime) -> bool:
    """Return whether `new` is worth a write over `old`.

    Changes to the values of `decision` alone are worth one write a minute. Its timestamp and its memory alone are worth
    none: after a restart the operator takes what is running as required, so an old memory loses nothing.
    """
    if _without_decision(old) != _without_decision(new):
        return True
    if _figures(old) == _figures(new):
        return False
    written_at = (old.get("decision") or {}).get("at")
    if written_at is None:
        return True
    age = now - instant(written_at)
    return not timedelta(0) <= age < timedelta(seconds=FIGURES_SECONDS)


def _without_decision(status: Status) -> dict[str, Any]:
    return {key: value for key, value in status.items() if key != "decision"}


def _figures(status: Status) -> dict[str, Any]:
    return {key: value for key, value in (status.get("decision") or {}).items() if key not in _BOOKKEEPING}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    sent: Status
    stored: Status


class StatusWriter:
    """Applies whole statuses server-side, as their only field manager."""

    def __init__(self, client: Client, *, store: ObjectStore) -> None:
        self._client = client
        self._store = store
        self._written: dict[str, _Written] = {}

    async def write(self, resource: Resource, *, namespace: str, name: str, status: Status, now: datetime) -> bool:
        """Write `status` (the complete JSON) unless the object already says the same; return whether it was written.

        An object that is not in the store is not written. Raises `Conflict` or `Gone` if it differs from the stored
        one, which is then up to date.
        """
        live = self._store.get(resource.kind, namespace, name)
        if live is None or not needs_write(self._known(live), status, now=now):
            return False
        uid = live["metadata"]["uid"]
        # The status is about the object that was read. Its UID alone is not a precondition: the API server ignores it
        # in writes to /status.
        seen = {"uid": uid, "resourceVersion": live["metadata"]["resourceVersion"]}
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, **({"namespace": namespace} if namespace else {}), **seen},
            "status": dict(status),
        }
        async with read_again_if_outdated(
            self._client, self._store, resource, ObjectKey(resource.kind, namespace, name)
        ):
            answer = await self._client.apply(resource, body, force=True, manager=STATUS_MANAGER, subresource="status")
        self._store.upsert(resource.kind, answer)
        self._written[uid] = _Written(sent=status, stored=answer.get("status") or {})
        return True

    def forget(self, uid: str) -> None:
        """Drop what is remembered about an object that is gone."""
        self._written.pop(uid, None)

    def _known(self, live: Mapping[str, Any]) -> Status:
        """Return the object's status, as it was last written if it has not changed since.

        An API server with a newer schema adds defaults that this operator does not know: comparing with what it stored
        would write the same status forever.
        """
        stored: Status = live.get("status") or {}
        last = self._written.get(live["metadata"]["uid"])
        return last.sent if last is not None and last.stored == stored else stored
