"""The API server's audit log: which user wrote what, for tests that count writes, and which rights that took."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

CREATED = HTTPStatus.CREATED
WRITING_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changed something: its time, user, verb, object and response code."""

    at: datetime
    username: str
    user_agent: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


class Right(NamedTuple):
    """A permission as roles state it; `resource` includes the subresource."""

    group: str
    resource: str
    verb: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user did, and what it was not permitted to do."""

    used: frozenset[Right]
    denied: frozenset[Right]


def rights(lines: Iterable[str], *, username: str) -> Rights:
    """Return the rights that the requests of `username` in an audit log took; skip an incomplete line."""
    used, denied = set[Right](), set[Right]()
    for line in lines:
        event = _event(line)
        if event is None or event["user"]["username"] != username or "objectRef" not in event:
            continue
        target = event["objectRef"]
        resource = "/".join(filter(None, (target.get("resource", ""), target.get("subresource", ""))))
        right = Right(target.get("apiGroup", ""), resource, event["verb"])
        if event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid":
            denied.add(right)
            continue
        used.add(right)
        if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == CREATED:
            # Server-side apply of an object that did not exist.
            used.add(right._replace(verb="create"))
    return Rights(frozenset(used), frozenset(denied))


def writes(lines: Iterable[str], *, username: str | None = None, after: datetime | None = None) -> Iterator[Write]:
    """Yield the writes in an audit log, optionally of one user and after a time; skip an incomplete line."""
    for line in lines:
        write = _parse(line)
        if write is None:
            continue
        if (username is None or write.username == username) and (after is None or write.at > after):
            yield write


def _parse(line: str) -> Write | None:
    event = _event(line)
    if event is None or event["verb"] not in WRITING_VERBS or "objectRef" not in event:
        return None
    target = event["objectRef"]
    return Write(
        at=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        username=event["user"]["username"],
        user_agent=event.get("userAgent", ""),
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
    )


def _event(line: str) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return event
