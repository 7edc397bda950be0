"""Asking pods for their figures over HTTP: many at once, each within seconds, none of them trusted to answer well."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import aiohttp

MAX_ANSWER_BYTES = 8 * 1024 * 1024
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than the 5 s after which SGLang closes idle connections: one that it is closing is never used again."""


class Source(StrEnum):
    """Where figures come from."""

    METRICS = "metrics"
    LOADS = "loads"
    GATEWAY = "gateway"


class FailureCause(StrEnum):
    """Why a source gave no figures."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """One question that got no usable answer."""

    source: Source
    cause: FailureCause


def ignored(_: PollFailure) -> None:
    """Take a failure that nobody wants to hear of."""


def pod_session() -> aiohttp.ClientSession:
    """Return a session for requests to pods: no proxies, no cookies, no connection kept for long."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Asks over `session`; `failed` hears of every question without a usable answer."""

    session: aiohttp.ClientSession
    now: Callable[[], datetime]
    failed: Callable[[PollFailure], None]
    timeout_seconds: float

    async def ask(
        self, source: Source, url: str, *, understand: Callable[[bytes], Figures]
    ) -> tuple[datetime, Figures] | None:
        """Return when `url` answered and what it said, or None. `understand` raises `ValueError` for nonsense."""
        try:
            body = await self._body(url)
            return self.now(), understand(body)
        except TimeoutError:
            cause = FailureCause.TIMEOUT
        except aiohttp.ClientResponseError:
            cause = FailureCause.STATUS
        except (aiohttp.ClientError, OSError):
            cause = FailureCause.CONNECTION
        except (ValueError, OverflowError, RecursionError):
            cause = FailureCause.CONTENT
        self.failed(PollFailure(source=source, cause=cause))
        return None

    async def _body(self, url: str) -> bytes:
        limit = aiohttp.ClientTimeout(total=self.timeout_seconds)
        async with self.session.get(url, timeout=limit, allow_redirects=False) as response:
            if response.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise aiohttp.ClientResponseError(response.request_info, response.history, status=response.status)
            return await _limited(response)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; raise `ValueError` for one that no pod of ours has."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            message = f"more than {MAX_ANSWER_BYTES} bytes"
            raise ValueError(message)
    return bytes(body)
