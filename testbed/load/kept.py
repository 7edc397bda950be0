"""Sends requests over a few persistent connections, and reports which engine first answered when on each.

`python -m load.kept`, next to the load client and with the same lines of JSON. Engines name themselves in a response
header, as the fake engine does with FAKE_ENGINE_NAMED.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import aiohttp

from .report import Failure, Tally, summary

ENGINE_HEADER = "X-Engine"
SECOND = 1.0
TIMEOUT_SECONDS = 60.0
DIGITS = 3
BODY = {"model": "model", "input": "river"}

Report = dict[str, object]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The first response of an engine on a connection that was open before; times are seconds since the epoch."""

    engine: str
    opened_at: float
    answered_at: float


class KeptConnections:
    """Clients with one connection each; each sends a request `pause_seconds` after its last response."""

    def __init__(
        self, url: str, *, connections: int, pause_seconds: float, each_second: Callable[[Report], None]
    ) -> None:
        self._url = f"{url}/v1/embeddings"
        self._connections = connections
        self._pause_seconds = pause_seconds
        self._each_second = each_second
        self._tally = Tally()
        self._opened = 0
        self._since: dict[str, float] = {}
        self._firsts: dict[tuple[str, float], FirstAnswer] = {}
        self._stopping = asyncio.Event()

    @property
    def sent(self) -> int:
        """The number of requests sent so far."""
        return self._tally.sent

    def stop(self) -> None:
        """Send no more requests; `run` returns once those in progress are answered."""
        self._stopping.set()

    async def run(self, *, duration_seconds: float) -> Report:
        """Send requests for this long; return the counts, the number of opened connections, and the first responses."""
        started_at, started = time.time(), time.monotonic()
        telling = asyncio.create_task(self._tell())
        async with asyncio.TaskGroup() as clients:
            for number in range(self._connections):
                first_after = number * self._pause_seconds / self._connections
                clients.create_task(self._client(first_after=first_after, until=started + duration_seconds))
        telling.cancel()
        return {
            **summary(self._tally, started_at=started_at, seconds=time.monotonic() - started),
            "connections_opened": self._opened,
            "first_answers": [asdict(first) for first in self._firsts.values()],
        }

    async def _client(self, *, first_after: float, until: float) -> None:
        opened_at = 0.0

        async def opened(*_: object) -> None:
            nonlocal opened_at
            opened_at = round(time.time(), DIGITS)
            self._opened += 1

        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(opened)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            trace_configs=[tracing],
        )
        async with session:
            pause = first_after
            while not await self._stopped_within(pause) and time.monotonic() < until:
                engine = await self._ask(session)
                if engine is not None:
                    self._note(FirstAnswer(engine, opened_at, round(time.time(), DIGITS)))
                pause = self._pause_seconds

    def _note(self, answer: FirstAnswer) -> None:
        # A connection that is younger than an engine says nothing about how new engines are reached.
        if answer.opened_at <= self._since.setdefault(answer.engine, answer.answered_at):
            self._firsts.setdefault((answer.engine, answer.opened_at), answer)

    async def _ask(self, session: aiohttp.ClientSession) -> str | None:
        """Name of the engine that answered; None for a failure, or for an engine that does not name itself."""
        sent_at, started = time.time(), time.monotonic()
        self._tally.sent += 1
        engine, cause = None, None
        try:
            async with session.post(self._url, json=BODY) as answer:
                await answer.read()
        except TimeoutError:
            cause = "timeout"
        except aiohttp.ClientError as error:
            cause = type(error).__name__
        else:
            engine = answer.headers.get(ENGINE_HEADER)
            cause = None if answer.status == 200 else f"status {answer.status}"
        seconds = time.monotonic() - started
        if cause is None:
            self._tally.latencies.append(seconds)
        else:
            self._tally.failures.append(Failure(sent_at, cause, seconds))
        return engine

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(SECOND)
            self._each_second({"ok": self._tally.answered, "failed": len(self._tally.failures)})


def main() -> None:
    """Run the command line; SIGTERM and SIGINT end the run early, with a summary."""
    parser = argparse.ArgumentParser(prog="testbed.load.kept", description=__doc__, allow_abbrev=False)
    parser.add_argument("--url", required=True, help="address of the server, without /v1/embeddings")
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--pause", type=float, required=True, help="seconds between a response and the next request")
    parser.add_argument("--duration", type=float, required=True, help="seconds")
    asyncio.run(_run(parser.parse_args()))


async def _run(options: argparse.Namespace) -> None:
    kept = KeptConnections(
        options.url.rstrip("/"), connections=options.connections, pause_seconds=options.pause, each_second=_print
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, kept.stop)
    _print({"summary": await kept.run(duration_seconds=options.duration)})


def _print(line: Report) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
