"""The server where gateways ask for a reconcile of their service.

A poke carries no metrics, and none would be trusted: the operator polls them itself. So a false poke costs one poll of
the gateway's own service, and no gateway can poke for another service.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

import structlog
from aiohttp import web

from embedding_operator.gateway_contract import POKE_PATH
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.store import ObjectKey
from embedding_operator.listener import Listener
from embedding_operator.rendering.gateway_pod import AUDIENCE
from embedding_operator.rendering.names import gateway_name

MAX_BODY_BYTES = 1024
MAX_TOKEN_LENGTH = 4096
BODY_SECONDS = 2.0

_SCHEME = "bearer "

_log = structlog.get_logger(__name__)


class _Answer(NamedTuple):
    status: HTTPStatus
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PokeHandler:
    """Accepts pokes. `leads` says whether this process acts on them, `user_of` returns the user of a token.

    `poke` is called for pokes that are authenticated, `counted` with the HTTP status of every answer.
    """

    leads: Callable[[], bool]
    user_of: Callable[[str], Awaitable[str | None]]
    poke: Callable[[ObjectKey], None]
    counted: Callable[[str], None]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one poke: 202 if it was accepted, or if another process leads."""
        answer = await self._answer(request)
        self.counted(str(answer.status.value))
        return web.json_response({"message": answer.message or answer.status.phrase}, status=answer.status)

    async def _answer(self, request: web.Request) -> _Answer:
        if not self.leads():
            return _Answer(HTTPStatus.ACCEPTED)
        token = _token(request)
        if token is None:
            return _Answer(HTTPStatus.UNAUTHORIZED, "send a ServiceAccount token as Authorization: Bearer")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                key = _key(await request.read())
        except TimeoutError:
            return _Answer(HTTPStatus.REQUEST_TIMEOUT)
        except web.HTTPRequestEntityTooLarge:
            return _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes are accepted")
        if key is None:
            return _Answer(HTTPStatus.BAD_REQUEST, 'send {"namespace": "...", "name": "..."}')
        return await self._authenticated(key, token=token)

    async def _authenticated(self, key: ObjectKey, *, token: str) -> _Answer:
        try:
            user = await self.user_of(token)
        except (Conflict, Gone, Unavailable) as error:
            _log.warning("tokens of pokes cannot be verified: the issuer's keys cannot be read", error=str(error))
            return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, "the token cannot be verified")
        if user is None:
            return _Answer(HTTPStatus.UNAUTHORIZED, f"the token is not valid for the audience {AUDIENCE}")
        if user != f"system:serviceaccount:{key.namespace}:{gateway_name(key.name)}":
            return _Answer(HTTPStatus.FORBIDDEN, "the token does not belong to the gateway of this service")
        self.poke(key)
        return _Answer(HTTPStatus.ACCEPTED)


async def serve(handler: PokeHandler, *, port: int) -> Listener:
    """Serve on all addresses; return the listener that is to be stopped. Raises `OSError` if the port is in use."""
    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application.router.add_post(POKE_PATH, handler.handle)
    listener = Listener(application)
    await listener.start(port)
    return listener


def _token(request: web.Request) -> str | None:
    header = request.headers.get("Authorization", "")
    token = header[len(_SCHEME) :].strip()
    is_bearer = header.lower().startswith(_SCHEME) and token.isascii()
    return token if is_bearer and 0 < len(token) <= MAX_TOKEN_LENGTH else None


def _key(body: bytes) -> ObjectKey | None:
    try:
        poked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(poked, dict):
        return None
    namespace, name = poked.get("namespace"), poked.get("name")
    if not (isinstance(namespace, str) and isinstance(name, str) and namespace and name):
        return None
    return ObjectKey(EMBEDDING_SERVICE.kind, namespace, name)
