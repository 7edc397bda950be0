"""The API server's audit log: which user wrote what, for tests that count writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

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


def writes(lines: Iterable[str], *, username: str | None = None, after: datetime | None = None) -> Iterator[Write]:
    """Yield the writes in an audit log, optionally of one user and after a time; skip an incomplete line."""
    for line in lines:
        write = _parse(line)
        if write is None:
            continue
        if (username is None or write.username == username) and (after is None or write.at > after):
            yield write


def _parse(line: str) -> Write | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if event["verb"] not in WRITING_VERBS or "objectRef" not in event:
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
