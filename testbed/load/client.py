"""Sends the requests of a plan and reports every second and at the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping

import aiohttp

from .plan import ClosedLoop, OpenLoop, Plan, Texts
from .report import Failure, Tally, summary

SECOND = 1.0
IDLE_CONNECTION_SECONDS = 4.0
"""Less than the 5 s after which SGLang closes an idle connection, so that no request hits a closing connection."""

FIRST_PAUSE_SECONDS = 0.5
"""Pause before the first retry, doubled for each further one, as in the OpenAI client."""

Report = dict[str, object]


class LoadClient:
    """One run of a plan; `each_second` receives the counts of every second."""

    def __init__(self, plan: Plan, *, each_second: Callable[[Report], None]) -> None:
        self._plan = plan
        self._each_second = each_second
        self._total = Tally()
        self._second = Tally()
        self._in_flight = 0
        self._stopping = asyncio.Event()
        self._texts = Texts(tokens=plan.tokens, seed=plan.loop.seed if isinstance(plan.loop, OpenLoop) else 0)

    @property
    def sent(self) -> int:
        """The number of requests sent so far, retries not counted."""
        return self._total.sent

    @property
    def retried(self) -> int:
        """The number of retries so far."""
        return self._total.retries.total()

    def stop(self) -> None:
        """Send no more requests; `run` returns once those in progress are answered."""
        self._stopping.set()

    async def run(self) -> Report:
        """Send everything, wait for the responses, return the summary."""
        started_at, started = time.time(), time.monotonic()
        ticker = asyncio.create_task(self._tick(started))
        async with self._session() as session:
            if isinstance(self._plan.loop, OpenLoop):
                await self._open(session, self._plan.loop)
            else:
                await self._backed_off(session, self._plan.loop)
        ticker.cancel()
        seconds = time.monotonic() - started
        self._emit(seconds)
        return summary(self._total, started_at=started_at, seconds=seconds)

    def _session(self) -> aiohttp.ClientSession:
        plan = self._plan
        headers = {} if plan.api_key is None else {"Authorization": f"Bearer {plan.api_key}"}
        return aiohttp.ClientSession(
            connector=_connector(plan), timeout=aiohttp.ClientTimeout(total=plan.timeout_seconds), headers=headers
        )

    async def _open(self, session: aiohttp.ClientSession, loop: OpenLoop) -> None:
        started = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            for at in loop.times(duration_seconds=self._plan.duration_seconds):
                if await self._stopped_within(started + at - time.monotonic()):
                    return
                requests.create_task(self._send(session))

    async def _backed_off(self, session: aiohttp.ClientSession, loop: ClosedLoop) -> None:
        deadline = time.monotonic() + self._plan.duration_seconds

        async def client() -> None:
            while time.monotonic() < deadline and not self._stopping.is_set():
                await self._send(session)

        async with asyncio.TaskGroup() as clients:
            for _ in range(loop.concurrency):
                clients.create_task(client())

    async def _stopped_within(self, seconds: float) -> bool:
        if seconds <= 0:
            return self._stopping.is_set()
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _send(self, session: aiohttp.ClientSession) -> None:
        plan = self._plan
        texts = [self._texts.next() for _ in range(plan.texts_per_request)]
        body = {"model": plan.model, "input": texts[0] if len(texts) == 1 else texts}
        sent_at, started = time.time(), time.monotonic()
        self._in_flight += 1
        self._total.sent += 1
        self._second.sent += 1
        cause = await self._cause_of_failure(session, body=body, expected=len(texts))
        self._in_flight -= 1
        seconds = time.monotonic() - started
        for tally in (self._total, self._second):
            if cause is None:
                tally.latencies.append(seconds)
            else:
                tally.failures.append(Failure(sent_at, cause, seconds))

    async def _cause_of_failure(
        self, session: aiohttp.ClientSession, *, body: Mapping[str, object], expected: int
    ) -> str | None:
        url, pause = f"{self._plan.url}/v1/embeddings", FIRST_PAUSE_SECONDS
        cause = await _cause_of_failure(session, url, body=body, expected=expected)
        for _ in range(self._plan.retries):
            if cause is None:
                break
            for tally in (self._total, self._second):
                tally.retries[cause] += 1
            await asyncio.sleep(pause)
            pause *= 2
            cause = await _cause_of_failure(session, url, body=body, expected=expected)
        return cause

    async def _tick(self, started: float) -> None:
        while True:
            await asyncio.sleep(SECOND)
            self._emit(time.monotonic() - started)

    def _emit(self, elapsed: float) -> None:
        second, self._second = self._second, Tally()
        counts = second.document()
        self._each_second({"at": time.time(), "elapsed": round(elapsed, 3), "in_flight": self._in_flight, **counts})


def _connector(plan: Plan) -> aiohttp.TCPConnector:
    if plan.is_keeping_connections:
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_SECONDS)
    return aiohttp.TCPConnector(limit=0, force_close=True)


async def _cause_of_failure(
    session: aiohttp.ClientSession, url: str, *, body: Mapping[str, object], expected: int
) -> str | None:
    # aiohttp retries idempotent methods on a broken connection, but never a POST: every failure is seen here.
    try:
        async with session.post(url, json=body) as response:
            content = await response.read()
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientError as error:
        return type(error).__name__
    if response.status != 200:
        return f"status {response.status}"
    return None if _holds_embeddings(content, expected=expected) else "no embeddings in the response"


def _holds_embeddings(content: bytes, *, expected: int) -> bool:
    try:
        answer = json.loads(content)
        vectors = [entry["embedding"] for entry in answer["data"]]
    except (ValueError, TypeError, KeyError):
        return False
    return len(vectors) == expected and all(vector and None not in vector for vector in vectors)
