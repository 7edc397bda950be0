"""Fetching from pods over HTTP: bounded in time and bytes, and never trusting the content to be well formed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import aiohttp

MAX_ANSWER_BYTES = 8 * 1024 * 1024
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than the 5 s after which SGLang closes idle connections, so that a closing one is never reused."""


class Source(StrEnum):
    """What is polled."""

    METRICS = "metrics"
    LOADS = "loads"
    GATEWAY = "gateway"


class FailureCause(StrEnum):
    """Why a source gave no sample."""

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
    """One poll without a usable answer."""

    source: Source
    cause: FailureCause


def ignored(_: PollFailure) -> None:
    """Ignore a failure."""


def pod_session() -> aiohttp.ClientSession:
    """Return a session for requests to pods: no proxies, no cookies, no long-lived idle connections."""
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
    """Return what `parse` reads from the answer of `url` to a GET, or to a POST of `body` as JSON.

    Raises `FetchError`, also for the errors that malformed content causes in `parse`.
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
    """Return the content; raise `ValueError` if it is more than any managed pod sends."""
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
        """Return when `url` answered and its parsed answer; None if there was no usable answer."""
        try:
            parsed = await fetch(self.session, url, parse=parse, timeout_seconds=self.timeout_seconds)
        except FetchError as error:
            self.failed(PollFailure(source=source, cause=error.cause))
            return None
        return self.now(), parsed
