"""Leadership by a `coordination.k8s.io` Lease, and the gate that every write of the operator passes.

Kubernetes has no fencing tokens. In their place, the holder counts from the moment it *sent* its last successful
renewal, on a clock that keeps running while the machine sleeps, and sends no write after `renew_seconds`; other
processes take over no earlier than `lease_seconds` after they saw the last change. A write that has no answer by then,
less a margin, is given up. A process that loses its Lease exits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from embedding_operator.kube.client import Body, Client
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.metadata import instant, rfc3339_micro, utc_now
from embedding_operator.kube.resources import LEASE
from embedding_operator.rendering.names import FIELD_MANAGER, PART_OF


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a Lease lasts, how long the holder tries to renew it, and how often, in seconds."""

    lease_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.retry_seconds < self.renew_seconds < self.lease_seconds:
            message = "the terms of a Lease require retry_seconds < renew_seconds < lease_seconds"
            raise ValueError(message)

    @property
    def write_seconds(self) -> float:
        """Return how long after a renewal a write may be under way: a fifth of the time left then is kept free."""
        return self.lease_seconds - (self.lease_seconds - self.renew_seconds) / 5

    @property
    def request_seconds(self) -> float:
        """Return the time limit of one request, chosen so that at least two fit into the time to renew."""
        return (self.renew_seconds - self.retry_seconds) / 2


@dataclass(frozen=True, slots=True)
class _Seen:
    """The Lease at its last observed change, and when that was on this process's clock."""

    body: Body
    at: float

    @property
    def holder(self) -> str:
        return str(self.body["spec"].get("holderIdentity") or "")

    def is_over(self, *, now: float) -> bool:
        return now - self.at > float(self.body["spec"].get("leaseDurationSeconds") or 0)


def boot_clock() -> float:
    """Return seconds since boot, including time the machine was asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What a Lease says: who holds it (empty if it was released), when it was renewed, and for how long that counts."""

    name: str
    holder: str
    renewed_at: datetime
    duration: timedelta


def read_term(body: Body) -> Term:
    """Return the term that a Lease states; a Lease that was never renewed is over."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    return Term(
        name=f"{metadata['namespace']}/{metadata['name']}",
        holder=spec.get("holderIdentity") or "",
        renewed_at=instant(spec.get("renewTime") or metadata["creationTimestamp"]),
        duration=timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0)),
    )


class Lease:
    """Leadership of one process. `identity` must belong to one process at a time, such as the name of its pod.

    A Lease that already names this identity is taken at once: an earlier container of the same pod left it.
    `client` must not be behind the gate that this Lease provides.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        terms: Terms | None = None,
        clock: Callable[[], float] = boot_clock,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._terms = terms or Terms()
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._seen: _Seen | None = None
        self._renewed_at: float | None = None

    def held(self) -> bool:
        """Return whether this process leads, and may send a write now."""
        return self._renewed_at is not None and self._clock() - self._renewed_at < self._terms.renew_seconds

    def write_seconds(self) -> float:
        """Return for how many seconds a write that is sent now may be under way; 0 if none may be sent."""
        if self._renewed_at is None or not self.held():
            return 0.0
        return self._renewed_at + self._terms.write_seconds - self._clock()

    async def acquire(self) -> None:
        """Wait until this process holds the Lease."""
        while not await self._attempt(self._take):
            await self._sleep(self._terms.retry_seconds)

    async def keep(self) -> None:
        """Renew the Lease; return when it is lost. The loss is final: the process must exit."""
        while self.held():
            await self._sleep(self._terms.retry_seconds)
            if await self._attempt(self._renew):
                continue
            if self._seen is not None and self._seen.holder != self._identity:
                break
        self._renewed_at = None

    async def release(self) -> None:
        """Give up the Lease on a clean exit, so that the next process need not wait for it to expire."""
        if self._renewed_at is None:
            return
        self._renewed_at = None
        await self._attempt(self._give_up)

    async def _attempt(self, step: Callable[[], Awaitable[bool]]) -> bool:
        """Return the result of `step`; False if it fails or the API server does not answer in time."""
        try:
            async with asyncio.timeout(self._terms.request_seconds):
                return await step()
        except (Conflict, Gone, Unavailable, TimeoutError):
            # Another process changed it, or its state is unknown: reread it next time.
            return False

    async def _take(self) -> bool:
        try:
            await self._look()
        except Gone:
            return await self._write(self._client.create(LEASE, self._document(spec=self._spec(transitions=0))))
        seen = self._seen
        if seen is None or not (seen.holder in ("", self._identity) or seen.is_over(now=self._clock())):
            return False
        transitions = int(seen.body["spec"].get("leaseTransitions") or 0) + (seen.holder != self._identity)
        return await self._replace(seen, spec=self._spec(transitions=transitions))

    async def _renew(self) -> bool:
        """Renew the Lease as last seen. This recreates a deleted Lease, unless another process was faster."""
        seen = self._seen
        if seen is None:
            return False
        transitions = int(seen.body["spec"].get("leaseTransitions") or 0)
        try:
            return await self._replace(seen, spec=self._spec(transitions=transitions, acquired=seen.body["spec"]))
        except Conflict:
            await self._look()
            return False

    async def _give_up(self) -> bool:
        seen = self._seen
        if seen is None:
            return False
        spec = {**seen.body["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._client.replace(LEASE, self._document(spec=spec, seen=seen))
        return True

    async def _look(self) -> None:
        body = await self._client.get(LEASE, name=self._name, namespace=self._namespace)
        version = body["metadata"]["resourceVersion"]
        if self._seen is None or self._seen.body["metadata"]["resourceVersion"] != version:
            self._seen = _Seen(body, self._clock())

    async def _replace(self, seen: _Seen, *, spec: dict[str, Any]) -> bool:
        return await self._write(self._client.replace(LEASE, self._document(spec=spec, seen=seen)))

    async def _write(self, request: Awaitable[Body]) -> bool:
        sent_at = self._clock()
        body = await request
        self._seen = _Seen(body, self._clock())
        self._renewed_at = sent_at
        return True

    def _spec(self, *, transitions: int, acquired: dict[str, Any] | None = None) -> dict[str, Any]:
        now = rfc3339_micro(self._now())
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._terms.lease_seconds),
            "acquireTime": (acquired or {}).get("acquireTime") or now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def _document(self, *, spec: dict[str, Any], seen: _Seen | None = None) -> Body:
        version = {} if seen is None else {"resourceVersion": seen.body["metadata"]["resourceVersion"]}
        labels = {PART_OF: FIELD_MANAGER}
        metadata = {"name": self._name, "namespace": self._namespace, "labels": labels, **version}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
