"""The agent's own HTTP server: its metrics, and the pokes of HAProxy."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web

from embedding_operator.gateway.metrics import CONTENT_TYPE
from embedding_operator.gateway_contract import POKE_PATH
from embedding_operator.listener import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The server's handlers."""

    poke: Callable[[], None]
    exposition: Callable[[], bytes]

    async def poked(self, request: web.Request) -> web.Response:
        """Accept a poke from the HAProxy beside the agent; pokes from other addresses are forbidden."""
        if not ip_address(request.remote or "::").is_loopback:
            return web.Response(status=HTTPStatus.FORBIDDEN)
        self.poke()
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer with the agent's metrics."""
        return web.Response(body=self.exposition(), headers={"Content-Type": CONTENT_TYPE})


async def serve(surface: Surface, *, port: int) -> Listener:
    """Serve on all addresses; return the listener that is to be stopped. Raises `OSError` if the port is in use."""
    application = web.Application(client_max_size=1024)
    application.router.add_get("/metrics", surface.metrics)
    application.router.add_post(POKE_PATH, surface.poked)
    listener = Listener(application)
    await listener.start(port)
    return listener
