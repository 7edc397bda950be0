"""Replays requests at their recorded times, each to the Ready engine with the fewest open ones, as the gateway does."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from embedding_operator.rendering.names import PORT

from benchmarks.replayed_hour import Requests

TIMEOUT_SECONDS = 300.0
NO_ENGINE = "no Ready engine"
Addresses = Callable[[], Sequence[str]]


@dataclass(slots=True, kw_only=True)
class Replayed:
    """The outcome of the requests: `failed` by cause, and the longest delay with which one was sent."""

    sent: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    latest_seconds: float = 0.0


def replay(requests: Requests, *, begun: float, addresses: Addresses) -> Replayed:
    """Send all requests and return once the last is answered; `begun` is the monotonic time 0 of the requests."""
    return asyncio.run(_Replay(begun=begun, addresses=addresses).all(requests))


class LeastOpen:
    """Sends each request to the engine with the fewest open ones, in turn among equals."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._turn = 0

    def open(self, addresses: Sequence[str]) -> str | None:
        """Return the address for a new request, None without addresses; the request stays open until `close`."""
        self._turn += 1
        turned = [addresses[(self._turn + place) % len(addresses)] for place in range(len(addresses))]
        chosen = min(turned, key=lambda address: self._open[address], default=None)
        if chosen is not None:
            self._open[chosen] += 1
        return chosen

    def close(self, address: str) -> None:
        """Record that a request to this address has ended."""
        self._open[address] -= 1


class _Replay:
    def __init__(self, *, begun: float, addresses: Addresses) -> None:
        self._begun, self._addresses = begun, addresses
        self._balancer = LeastOpen()
        self._replayed = Replayed()

    async def all(self, requests: Requests) -> Replayed:
        timeout = ClientTimeout(total=TIMEOUT_SECONDS)
        async with (
            ClientSession(connector=TCPConnector(limit=0), timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            for instant, tokens in zip(requests.instants.tolist(), requests.tokens.tolist(), strict=True):
                await asyncio.sleep(max(0.0, self._begun + instant - time.monotonic()))
                late = time.monotonic() - self._begun - instant
                self._replayed.latest_seconds = max(self._replayed.latest_seconds, late)
                group.create_task(self._send(session, tokens=tokens))
        return self._replayed

    async def _send(self, session: ClientSession, *, tokens: int) -> None:
        self._replayed.sent += 1
        address = self._balancer.open(self._addresses())
        if address is None:
            self._replayed.failed[NO_ENGINE] += 1
            return
        try:
            body = json.dumps({"input": [1] * tokens})
            headers = {"Content-Type": "application/json"}
            async with session.post(f"http://{address}:{PORT}/v1/embeddings", data=body, headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    self._replayed.failed[str(answer.status)] += 1
        except (ClientError, TimeoutError) as error:
            self._replayed.failed[type(error).__name__] += 1
        finally:
            self._balancer.close(address)
