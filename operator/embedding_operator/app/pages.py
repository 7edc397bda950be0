"""What the operator serves besides pokes: its metrics, and whether it is alive."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

STUCK_SECONDS = 60.0
"""A reconcile loop that has completed no tick for this long is stuck, although the process is not dead."""


class MetricsPage:
    """`/metrics`. A page of thousands of services takes a while: it is made beside the loop, one at a time."""

    def __init__(self, render: Callable[[], str]) -> None:
        self._render = render
        self._rendering: asyncio.Task[str] | None = None

    def application(self) -> web.Application:
        """Return the server's routes."""
        application = web.Application(client_max_size=1024)
        application.router.add_get("/metrics", self._answer)
        return application

    async def _answer(self, _: web.Request) -> web.Response:
        if self._rendering is None or self._rendering.done():
            self._rendering = asyncio.create_task(asyncio.to_thread(self._render))
        # Whoever asks meanwhile gets the same page. A client that leaves does not end it for the others.
        page = await asyncio.shield(self._rendering)
        return web.Response(body=page.encode(), headers={"Content-Type": CONTENT_TYPE})


def health(idle_seconds: Callable[[], float]) -> web.Application:
    """Return the route `/healthz`: 503 when, by `idle_seconds`, the loop completed no tick for too long."""

    async def answer(_: web.Request) -> web.Response:
        idle = idle_seconds()
        stuck = idle > STUCK_SECONDS
        return web.json_response(
            {"seconds_since_tick": round(idle, 1)},
            status=HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK,
        )

    application = web.Application(client_max_size=1024)
    application.router.add_get("/healthz", answer)
    return application
