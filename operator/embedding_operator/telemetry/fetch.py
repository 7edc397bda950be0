"""Fetching from pods over HTTP: bounded in time and bytes, and never trusting the content to be well formed."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp

LIMIT_BYTES = 1024**2
"""Of one answer. A page of an engine has some 200 kB."""

OWN_BYTES = 256 * 1024
"""What every answer may have, whatever the others have."""

SHARED_BYTES = 32 * 1024**2
"""What all answers being read may have beyond that, together."""

INLINE_BYTES = 64 * 1024
"""Longer answers are parsed beside the event loop, which then goes on."""

MAX_CONTAINERS = 10_000
"""Arrays and objects in an answer in JSON. Depth and memory follow from their number."""

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
    """Return a session for requests to pods: no proxies, no cookies, no long-lived idle connections.

    Nothing is decompressed: a few bytes could become more than the limits allow.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


@dataclass(slots=True)
class Memory:
    """What the answers being read have beyond `OWN_BYTES` each."""

    limit_bytes: int = SHARED_BYTES
    held_bytes: int = 0


@dataclass(slots=True)
class Share:
    """The memory of one answer: a pod that answers with much can fail, but not make others fail that do not."""

    memory: Memory
    limit_bytes: int
    held_bytes: int = 0

    def check(self, size: int) -> None:
        """Raise `ValueError` if an answer of `size` bytes is too long."""
        if size > self.limit_bytes:
            message = f"more than {self.limit_bytes} bytes"
            raise ValueError(message)

    def hold(self, size: int) -> None:
        """Hold `size` bytes; raise `ValueError` if that is too much or there is no memory left to share."""
        self.check(size)
        more = max(0, size - OWN_BYTES) - self.held_bytes
        if more > 0 and self.memory.held_bytes + more > self.memory.limit_bytes:
            message = f"more than {OWN_BYTES} bytes while other long answers are read"
            raise ValueError(message)
        self.held_bytes += more
        self.memory.held_bytes += more

    def give_back(self) -> None:
        """Hold nothing."""
        self.memory.held_bytes -= self.held_bytes
        self.held_bytes = 0


Parsed = TypeVar("Parsed")


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    parse: Callable[[bytes], Parsed],
    timeout_seconds: float,
    limit_bytes: int = LIMIT_BYTES,
    memory: Memory | None = None,
    body: Any = None,
) -> Parsed:
    """Return what `url` answers to a GET, or to a POST of `body` as JSON, as `parse` reads it.

    `memory` is what long answers share. Raises `FetchError`, also if `parse` raises an error for malformed content.
    """
    share = Share(memory or Memory(), limit_bytes=limit_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            content = await _content(session, url, body=body, share=share)
            return parse(content) if len(content) <= INLINE_BYTES else await asyncio.to_thread(parse, content)
    except TimeoutError:
        raise FetchError(FailureCause.TIMEOUT, f"no answer in {timeout_seconds:g} s") from None
    except aiohttp.ClientResponseError as error:
        raise FetchError(FailureCause.STATUS, f"status {error.status}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise FetchError(FailureCause.CONNECTION, str(error) or type(error).__name__) from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise FetchError(FailureCause.CONTENT, f"{type(error).__name__}: {error}") from error
    finally:
        share.give_back()


def read_json(content: bytes) -> Any:
    """Return a document in JSON; raise `ValueError` for one that is malformed or nests too much."""
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        message = f"more than {MAX_CONTAINERS} arrays and objects"
        raise ValueError(message)
    return json.loads(content)


async def _content(session: aiohttp.ClientSession, url: str, *, body: Any, share: Share) -> bytes:
    method = "GET" if body is None else "POST"
    async with session.request(method, url, json=body, allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            raise aiohttp.ClientResponseError(response.request_info, response.history, status=response.status)
        share.check(response.content_length or 0)
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            share.hold(len(content))
        return bytes(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches over `session`; `failed` is called for every poll without a usable answer."""

    session: aiohttp.ClientSession
    now: Callable[[], datetime]
    failed: Callable[[PollFailure], None] = ignored
    timeout_seconds: float = 2.0
    memory: Memory = field(default_factory=Memory)

    async def fetch(
        self, source: Source, url: str, *, parse: Callable[[bytes], Parsed], limit_bytes: int = LIMIT_BYTES
    ) -> tuple[datetime, Parsed] | None:
        """Return when `url` answered and its parsed answer; None if there was no usable answer."""
        try:
            parsed = await fetch(
                self.session,
                url,
                parse=parse,
                timeout_seconds=self.timeout_seconds,
                limit_bytes=limit_bytes,
                memory=self.memory,
            )
        except FetchError as error:
            self.failed(PollFailure(source=source, cause=error.cause))
            return None
        return self.now(), parsed
