"""Fetching what pods say over HTTP: bounded in time and bytes, and never trusted to be well formed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import aiohttp

MAX_ANSWER_BYTES = 8 * 1024 * 1024
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than the 5 s after which SGLang closes idle connections: one that it is closing is never used again."""


class Source(StrEnum):
    """What is polled."""

    METRICS = "metrics"
    LOADS = "loads"
    GATEWAY = "gateway"


class FailureCause(StrEnum):
    """Why a source gave no samples."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    CONTENT = "content"


class FetchError(Exception):
    """There was no usable answer; the message says why."""

    def __init__(self, cause: FailureCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """One poll that got no usable answer."""

    source: Source
    cause: FailureCause


def ignored(_: PollFailure) -> None:
    """Take a failure that is reported nowhere."""


def pod_session() -> aiohttp.ClientSession:
    """Return a session for requests to pods: no proxies, no cookies, no connection kept for long."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


Parsed = TypeVar("Parsed")


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    parse: Callable[[bytes], Parsed],
    timeout_seconds: float,
    body: Any = None,
) -> Parsed:
    """Return what `url` answers a GET, or a POST of `body` as JSON, as `parse` reads it.

    Raises `FetchError`, also where `parse` raises what malformed content makes it raise.
    """
    try:
        return parse(await _answer(session, url, body=body, timeout_seconds=timeout_seconds))
    except TimeoutError:
        raise FetchError(FailureCause.TIMEOUT, f"no answer in {timeout_seconds:g} s") from None
    except aiohttp.ClientResponseError as error:
        raise FetchError(FailureCause.STATUS, f"status {error.status}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise FetchError(FailureCause.CONNECTION, str(error) or type(error).__name__) from error
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise FetchError(FailureCause.CONTENT, f"{type(error).__name__}: {error}") from error


async def _answer(session: aiohttp.ClientSession, url: str, *, body: Any, timeout_seconds: float) -> bytes:
    limit, method = aiohttp.ClientTimeout(total=timeout_seconds), "GET" if body is None else "POST"
    async with session.request(method, url, json=body, timeout=limit, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise aiohttp.ClientResponseError(response.request_info, response.history, status=response.status)
        return await _limited(response)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """Return the content; raise `ValueError` for more than any pod of ours sends."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            message = f"more than {MAX_ANSWER_BYTES} bytes"
            raise ValueError(message)
    return bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches over `session`; `failed` is called for every poll without a usable answer."""

    session: aiohttp.ClientSession
    now: Callable[[], datetime]
    failed: Callable[[PollFailure], None] = ignored
    timeout_seconds: float = 2.0

    async def fetch(
        self, source: Source, url: str, *, parse: Callable[[bytes], Parsed]
    ) -> tuple[datetime, Parsed] | None:
        """Return when `url` answered and what it said; None where it gave no usable answer."""
        try:
            parsed = await fetch(self.session, url, parse=parse, timeout_seconds=self.timeout_seconds)
        except FetchError as error:
            self.failed(PollFailure(source=source, cause=error.cause))
            return None
        return self.now(), parsed
