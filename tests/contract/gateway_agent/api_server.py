"""An API server with EndpointSlices: lists and watches of one collection, and outages on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from testbed.engine.process import LOOPBACK, free_port

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "test",
    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    "users": [{"name": "test", "user": {"token": "agent"}}],
}

Body = dict[str, Any]


@dataclass
class ApiServer:
    """`slices` by name; every change has its own resource version, as in a cluster."""

    port: int
    slices: dict[str, Body] = field(default_factory=dict)
    version: int = 100
    is_out: bool = False
    _events: list[tuple[int, str]] = field(default_factory=list)
    _oldest: int = 100
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, body: Body) -> None:
        """Create a slice or change it."""
        kind = "MODIFIED" if body["metadata"]["name"] in self.slices else "ADDED"
        await self._happens(kind, body)
        self.slices[body["metadata"]["name"]] = body

    async def remove(self, name: str) -> None:
        """Delete a slice."""
        await self._happens("DELETED", self.slices.pop(name))

    async def go_out(self) -> None:
        """Answer only with errors, and end all watches."""
        await self._switch(is_out=True)

    async def come_back(self, *, with_history: bool) -> None:
        """Answer again; without the history, old watches cannot be resumed."""
        if not with_history:
            self._events.clear()
            self.version += 1
            self._oldest = self.version
        await self._switch(is_out=False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.is_out:
            return web.json_response({"message": "out"}, status=503)
        if "watch" in request.query:
            return await self._watch(request, since=int(request.query["resourceVersion"]))
        listing = {"metadata": {"resourceVersion": str(self.version)}, "items": list(self.slices.values())}
        return web.json_response(listing)

    async def _watch(self, request: web.Request, *, since: int) -> web.StreamResponse:
        if since < self._oldest:
            return web.json_response({"message": "too old"}, status=410)
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.is_out:
            for version, line in list(self._events):
                if version > since:
                    since = version
                    await response.write(line.encode())
            async with self._changed:
                await self._changed.wait_for(partial(self._has_more, since))
        return response

    def _has_more(self, seen: int) -> bool:
        return self.is_out or self.version > seen

    async def _happens(self, kind: str, body: Body) -> None:
        async with self._changed:
            self.version += 1
            body["metadata"]["resourceVersion"] = str(self.version)
            self._events.append((self.version, json.dumps({"type": kind, "object": body}) + "\n"))
            self._changed.notify_all()

    async def _switch(self, *, is_out: bool) -> None:
        async with self._changed:
            self.is_out = is_out
            self._changed.notify_all()


@asynccontextmanager
async def api_server(kubeconfig: Path) -> AsyncIterator[ApiServer]:
    """Serve on loopback; `kubeconfig` is written."""
    served = ApiServer(free_port())
    cluster = {"name": "test", "cluster": {"server": f"http://{LOOPBACK}:{served.port}"}}
    kubeconfig.write_text(json.dumps(KUBECONFIG | {"clusters": [cluster]}))  # noqa: ASYNC240
    application = web.Application()
    application.router.add_get("/{tail:.*}", served.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, served.port).start()
    try:
        yield served
    finally:
        await served.go_out()
        await runner.cleanup()
