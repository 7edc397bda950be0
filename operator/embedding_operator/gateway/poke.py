"""Pokes: asking the operator to reconcile this service now. Never required, never in the way of a request."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from embedding_operator.gateway_contract import POKE_PATH
from embedding_operator.timeline import Timeline, sleep_until

SPACING_SECONDS = 0.1
POKE_SECONDS = 1.0
REDIRECTS_BEGIN = 300


class Coalescer:
    """Merges any number of calls of `call` into at most one `act` per `spacing_seconds`, the first one at once.

    A call during an act leads to another act, so that the last call is always followed by one.
    """

    def __init__(
        self,
        act: Callable[[], Awaitable[None]],
        *,
        timeline: Timeline,
        spacing_seconds: float = SPACING_SECONDS,
    ) -> None:
        self._act = act
        self._timeline = timeline
        self._spacing = spacing_seconds
        self._called = asyncio.Event()

    def call(self) -> None:
        """Request an act; returns at once."""
        self._called.set()

    async def run(self) -> None:
        """Act whenever that is asked for. Runs until cancelled."""
        while True:
            await self._called.wait()
            self._called.clear()
            began = self._timeline.time()
            await self._act()
            await sleep_until(began + self._spacing, timeline=self._timeline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The operator's pods: every address of `host`. The token in `token_file` is reread for each poke."""

    host: str
    port: int
    token_file: Path
    namespace: str
    service: str

    async def poke(self, session: aiohttp.ClientSession) -> tuple[str, ...]:
        """Poke every pod of the operator; return what went wrong, nothing if one of them accepted it.

        Only the leader acts on a poke, and the agent cannot tell which pod that is.
        """
        try:
            async with asyncio.timeout(POKE_SECONDS):
                token = (await asyncio.to_thread(self.token_file.read_text)).strip()
                addresses = await self._addresses()
        except (OSError, TimeoutError, ValueError) as error:
            return (f"{self.host}: {str(error) or 'no answer in time'}",)
        outcomes = await asyncio.gather(*(self._told(session, address, token=token) for address in addresses))
        return tuple(problem for problem in outcomes if problem) if all(outcomes) else ()

    async def _addresses(self) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return sorted({str(address[0]) for *_, address in found})

    async def _told(self, session: aiohttp.ClientSession, address: str, *, token: str) -> str:
        host = f"[{address}]" if ":" in address else address
        try:
            async with session.post(
                f"http://{host}:{self.port}{POKE_PATH}",
                json={"namespace": self.namespace, "name": self.service},
                headers={"Authorization": f"Bearer {token}"},
                timeout=aiohttp.ClientTimeout(total=POKE_SECONDS),
                allow_redirects=False,
            ) as response:
                return "" if response.status < REDIRECTS_BEGIN else f"{address}: {response.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return f"{address}: {str(error) or 'no answer in time'}"
