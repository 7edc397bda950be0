"""Events for people, in `events.k8s.io/v1`: repeats become a series, floods are dropped, nothing is raised.

Recording only queues; a separate task sends, so that a slow API server delays no reconcile.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from embedding_operator.domain.status.events import EventType
from embedding_operator.guard import UNCOUNTED, Guard
from embedding_operator.kube.client import Body, Client
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.metadata import rfc3339_micro, utc_now
from embedding_operator.kube.resources import EVENT, Resource

CONTROLLER = "embedding-operator.io/embedding-operator"
MAX_NOTE = 1024
MAX_WAITING = 1000
MAX_SERIES = 4096

SERIES_LIFE = timedelta(minutes=10)
SERIES_REFRESH = timedelta(minutes=1)
BURST = 20
REFILL_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Regarding:
    """The object that an Event is about."""

    resource: Resource
    namespace: str
    name: str
    uid: str

    def reference(self) -> Body:
        """Return it as an object reference."""
        place = {"namespace": self.namespace} if self.namespace else {}
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "name": self.name,
            "uid": self.uid,
            **place,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened to an object; `action` is what the operator did or tried, CamelCase like `reason`."""

    regarding: Regarding
    type: EventType
    reason: str
    action: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The same occurrence, seen `count` times; `recorded_at` is when the API server was last told."""

    name: str
    first: datetime
    last: datetime
    count: int
    recorded_at: datetime


class EventLedger:
    """Decides which occurrences are worth an Event. Takes the time as an argument."""

    def __init__(self) -> None:
        self._series: OrderedDict[Occurrence, Series] = OrderedDict()
        self._allowance: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, occurrence: Occurrence, *, now: datetime) -> Series | None:
        """Return the series to record, or None if there is nothing to record; a count of one is a new Event."""
        known = self._series.get(occurrence)
        if known is not None and timedelta(0) <= now - known.last < SERIES_LIFE:
            return self._repeated(occurrence, known, now=now)
        if not self._is_allowed(occurrence.regarding.uid, now=now):
            return None
        name = f"{occurrence.regarding.name[:200]}.{math.floor(now.timestamp() * 1e6):x}"
        series = Series(name=name, first=now, last=now, count=1, recorded_at=now)
        self._keep(occurrence, series)
        return series

    def _repeated(self, occurrence: Occurrence, known: Series, *, now: datetime) -> Series | None:
        due = known.count == 1 or now - known.recorded_at >= SERIES_REFRESH
        series = replace(known, count=known.count + 1, last=now, recorded_at=now if due else known.recorded_at)
        self._keep(occurrence, series)
        return series if due else None

    def _keep(self, occurrence: Occurrence, series: Series) -> None:
        self._series[occurrence] = series
        self._series.move_to_end(occurrence)
        if len(self._series) > MAX_SERIES:
            self._series.popitem(last=False)

    def _is_allowed(self, uid: str, *, now: datetime) -> bool:
        """Take one Event from the allowance of an object: a burst, refilled one at a time."""
        left, at = self._allowance.get(uid, (float(BURST), now))
        refilled = min(float(BURST), left + max(0.0, (now - at).total_seconds()) / REFILL_SECONDS)
        allowed = refilled >= 1.0
        self._allowance[uid] = (refilled - 1.0 if allowed else refilled, now)
        self._allowance.move_to_end(uid)
        if len(self._allowance) > MAX_SERIES:
            self._allowance.popitem(last=False)
        return allowed


def document(occurrence: Occurrence, series: Series, *, instance: str) -> Body:
    """Return a new Event."""
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        # Events about cluster-scoped objects live in the namespace "default".
        "metadata": {"name": series.name, "namespace": occurrence.regarding.namespace or "default"},
        "eventTime": rfc3339_micro(series.first),
        "type": occurrence.type,
        "reason": occurrence.reason,
        "action": occurrence.action,
        "note": _shortened(occurrence.note),
        "regarding": occurrence.regarding.reference(),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
    }


def _shortened(note: str) -> str:
    """Return `note` shortened to the API's limit, which counts bytes."""
    encoded = note.encode()
    return note if len(encoded) <= MAX_NOTE else encoded[: MAX_NOTE - 3].decode(errors="ignore") + "..."


class DropCause(StrEnum):
    """Why an Event was not sent."""

    FULL = "full"
    REFUSED = "refused"


def uncounted(_: DropCause) -> None:
    """Take a drop that is counted nowhere."""


class EventRecorder:
    """Records occurrences while `run` runs; `instance` names this process."""

    def __init__(
        self,
        client: Client,
        *,
        instance: str,
        now: Callable[[], datetime] = utc_now,
        dropped: Callable[[DropCause], None] = uncounted,
        guard: Guard = UNCOUNTED,
    ) -> None:
        self._client = client
        self._instance = instance
        self._now = now
        self._dropped = dropped
        self._guard = guard
        self._ledger = EventLedger()
        self._waiting: asyncio.Queue[tuple[Occurrence, Series]] = asyncio.Queue(MAX_WAITING)

    def record(self, occurrence: Occurrence) -> None:
        """Queue an Event if the occurrence is worth one; if the queue is full, drop and count it."""
        series = self._ledger.take(occurrence, now=self._now())
        if series is None:
            return
        try:
            self._waiting.put_nowait((occurrence, series))
        except asyncio.QueueFull:
            self._dropped(DropCause.FULL)

    async def run(self) -> None:
        """Send queued Events until cancelled. An Event that the API server refuses is dropped and counted."""
        while True:
            occurrence, series = await self._waiting.get()
            try:
                with self._guard.step("event"):
                    await self._send(occurrence, series)
            finally:
                self._waiting.task_done()

    async def drain(self) -> None:
        """Wait until everything queued has been sent."""
        await self._waiting.join()

    async def _send(self, occurrence: Occurrence, series: Series) -> None:
        try:
            await self._write(occurrence, series)
        except (Conflict, Gone, Unavailable):
            self._dropped(DropCause.REFUSED)

    async def _write(self, occurrence: Occurrence, series: Series) -> None:
        event = document(occurrence, series, instance=self._instance)
        if series.count == 1:
            await self._client.create(EVENT, event)
            return
        patch: Body = {"series": {"count": series.count, "lastObservedTime": rfc3339_micro(series.last)}}
        metadata = event["metadata"]
        await self._client.merge(EVENT, patch, name=metadata["name"], namespace=metadata["namespace"])
