"""The HTTP server: SGLang's endpoints, and `/fault` and `/script`, with which tests control it."""

from __future__ import annotations

import asyncio
import hmac
import socket
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import answers, documents
from .admin import Admin
from .batching import QueueFullError
from .embedding_request import LethalInputError, RefusalError, read_request
from .exposition import CONTENT_TYPE, cut, renamed, render, without_numbers
from .faults import Fault
from .fleet import Fleet, FleetPhase
from .replica import Replica
from .tokens import count_tokens
from .traffic import EMBEDDINGS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN_PREFIXES = ("/health", "/ready", "/metrics")
"""Paths that never need a key."""

LETHAL_PATHS = ("/generate", "/v1/completions", "/v1/chat/completions")
"""Paths of text generation: which of them crash an embedding server depends on its model; here all of them do."""

NAME_HEADER = "X-Engine"
HEALTH_POLLS = 20
LARGEST_BODY = 64 * 1024**2


def application(fleet: Fleet) -> web.Application:
    """Return the application that serves a fleet."""
    endpoints, admin = Endpoints(fleet), Admin(fleet)
    app = web.Application(middlewares=[endpoints.count, endpoints.authorize], client_max_size=LARGEST_BODY)
    app.add_routes(
        [
            web.post(EMBEDDINGS, endpoints.embeddings),
            web.get("/v1/models", endpoints.models),
            web.get("/model_info", endpoints.model_info),
            web.get("/server_info", endpoints.server_info),
            web.get("/v1/loads", endpoints.loads),
            web.get("/metrics", endpoints.metrics),
            web.get("/ready", endpoints.ready),
            web.get("/health", endpoints.health),
            web.get("/health_generate", endpoints.health),
            *(web.post(path, endpoints.lethal) for path in LETHAL_PATHS),
            *admin.routes(),
        ]
    )
    return app


class Endpoints:
    """The endpoints of the real engine."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._settings = fleet.settings
        self._headers = {NAME_HEADER: socket.gethostname()} if fleet.settings.behaviour.named else None

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/embeddings`."""
        replica = self._replica(request)
        try:
            return web.json_response(await self._embed(request, replica), headers=self._headers)
        except RefusalError as refusal:
            return web.json_response(refusal.document, status=refusal.status)
        except LethalInputError:
            return await self.lethal(request)

    async def lethal(self, request: web.Request) -> web.StreamResponse:
        """Crash on a call, as the real engine does."""
        self._fleet.kill(_address(request))
        return _hang_up(request)

    async def models(self, _: web.Request) -> web.StreamResponse:
        """`GET /v1/models`."""
        return web.json_response(documents.models(self._settings.engine, now=time.time()))

    async def model_info(self, _: web.Request) -> web.StreamResponse:
        """`GET /model_info`."""
        dimension = self._settings.behaviour.dimension
        return web.json_response(documents.model_info(self._settings.engine, dimension=dimension))

    async def server_info(self, _: web.Request) -> web.StreamResponse:
        """`GET /server_info`."""
        return web.json_response(documents.server_info(self._settings.engine))

    async def loads(self, request: web.Request) -> web.StreamResponse:
        """`GET /v1/loads`."""
        replica = self._replica(request)
        if Fault.LOADS_ABSENT in replica.faults:
            raise web.HTTPNotFound
        return web.json_response(documents.loads(replica.figures(), engine=self._settings.engine, now=time.time()))

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """`GET /metrics`."""
        replica = self._replica(request)
        if not self._settings.engine.metrics_enabled or Fault.METRICS_ABSENT in replica.faults:
            raise web.HTTPNotFound
        if Fault.METRICS_SLOW in replica.faults:
            await asyncio.sleep(self._settings.behaviour.slow_metrics_seconds)
        return web.Response(body=_exposition(replica).encode(), headers={"Content-Type": CONTENT_TYPE})

    async def ready(self, request: web.Request) -> web.StreamResponse:
        """`GET /ready`."""
        return web.Response(status=200 if self._is_ready(request) else 503)

    async def health(self, request: web.Request) -> web.StreamResponse:
        """`GET /health`: slow by design, and 503 when there is no progress for twenty polls."""
        if not self._is_ready(request):
            return web.Response(status=503)
        for _ in range(HEALTH_POLLS):
            await asyncio.sleep(self._settings.behaviour.health_seconds)
            if Fault.HANG not in self._replica(request).faults:
                return web.Response()
        return web.Response(status=503)

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count every call, and close the connection if the engine is gone."""
        if request.path in Admin.PATHS:
            return await _in_json(handler, request)
        replica = self._replica(request)
        if Fault.CRASH in replica.faults:
            return _hang_up(request)
        endpoint, status = _endpoint(request), None
        replica.traffic.begin(endpoint, request.method)
        try:
            response = await _in_json(handler, request)
            status = response.status
            return response
        finally:
            replica.traffic.end(endpoint, request.method, status=status)

    @web.middleware
    async def authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse calls without the key, except for probes and metrics."""
        key = self._settings.engine.api_key
        is_open = request.path.startswith(OPEN_PREFIXES) or request.path in Admin.PATHS
        given = request.headers.get("Authorization", "")
        if key is None or is_open or hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return await handler(request)
        return web.json_response({"error": "Unauthorized"}, status=401)

    async def _embed(self, request: web.Request, replica: Replica) -> dict[str, object]:
        if self._fleet.phase is FleetPhase.LOADING and Fault.READY_BEFORE_LOADED in replica.faults:
            raise RefusalError(503, "The model is not loaded.", kind="503")
        if Fault.EMBEDDINGS_ERROR in replica.faults:
            raise RefusalError(500, "Internal server error", kind="InternalServerError")
        behaviour = self._settings.behaviour
        asked = read_request(
            await request.read(),
            content_type=request.content_type,
            engine=self._settings.engine,
            dimension=behaviour.dimension,
            vocabulary_size=behaviour.vocabulary_size,
        )
        if behaviour.frontend_seconds_per_text:
            async with replica.frontend:
                await asyncio.sleep(behaviour.frontend_seconds_per_text * len(asked.texts))
        try:
            await replica.batches.compute([count_tokens(text) for text in asked.texts])
        except QueueFullError as full:
            raise RefusalError(503, "The request queue is full.", kind="503") from full
        return answers.embeddings(asked, settings=self._settings, faults=replica.faults)

    def _is_ready(self, request: web.Request) -> bool:
        if self._fleet.phase is FleetPhase.LOADING:
            return Fault.READY_BEFORE_LOADED in self._replica(request).faults
        return self._fleet.phase is FleetPhase.SERVING

    def _replica(self, request: web.Request) -> Replica:
        return self._fleet.at(_address(request))


def _exposition(replica: Replica) -> str:
    stale = replica.stale_metrics
    families = replica.families() if stale is None else stale
    if Fault.METRICS_RENAMED in replica.faults:
        families = renamed(families)
    if Fault.METRICS_NAN in replica.faults:
        families = without_numbers(families)
    text = render(families)
    return cut(text) if Fault.METRICS_PARTIAL in replica.faults else text


def _address(request: web.Request) -> str:
    if request.transport is None:
        raise ConnectionResetError
    return str(request.transport.get_extra_info("sockname")[0])


def _endpoint(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical


async def _in_json(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        headers = {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else None
        return web.json_response({"detail": refusal.reason}, status=refusal.status, headers=headers)


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
