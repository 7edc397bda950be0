"""Clients that request embeddings without pause, and count failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

TEXT = {"model": "minilm", "input": "a few words"}


@dataclass
class Load:
    """Outcome of the requests so far: how many had each status or error."""

    url: str
    outcomes: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    @property
    def failures(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "200"}

    async def more(self, count: int) -> None:
        """Return once this many more requests are answered."""
        goal = self.outcomes["200"] + count
        while self.outcomes["200"] < goal:
            assert not self.failures
            await asyncio.sleep(0.02)

    async def client(self, session: aiohttp.ClientSession) -> None:
        while not self.is_over:
            try:
                async with session.post(f"{self.url}/v1/embeddings", json=TEXT) as answer:
                    await answer.read()
                    self.outcomes[str(answer.status)] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self.outcomes[repr(error)] += 1


@asynccontextmanager
async def load(url: str, *, clients: int) -> AsyncIterator[Load]:
    """Keep this many clients busy; at the end, their last requests are answered."""
    running = Load(url)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session:
        tasks = [asyncio.create_task(running.client(session)) for _ in range(clients)]
        try:
            yield running
        finally:
            running.is_over = True
            await asyncio.gather(*tasks)
