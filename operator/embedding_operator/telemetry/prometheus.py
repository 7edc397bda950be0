"""Asking Prometheus servers: one number for a query now, or its history.

The client blocks, so every question runs in a thread of a pool of its own. A server that users may name is not trusted:
no redirect is followed, no proxy and no credentials of this process are used, and an answer has limits in time and
size. What is not exactly one number is a problem in words and never a 0.
"""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from requests import Response

MAX_ANSWER_BYTES = 8 * 1024 * 1024
THREADS = 8
GRACE_SECONDS = 0.5
LONGEST_COMPLAINT = 200

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a query gave at an instant; `value` is None where there is a `problem`."""

    taken_at: datetime
    value: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A stretch of time, looked at every `step`."""

    start: datetime
    end: datetime
    step: timedelta


Points = tuple[tuple[float, float], ...]
"""Samples of one series: seconds since 1970, and the value then."""


class PrometheusError(Exception):
    """A server gave no usable answer; the message says why and, where somebody can right it, how."""


class Prometheus:
    """Asks servers by their address; questions end within `timeout_seconds`."""

    def __init__(self, *, now: Callable[[], datetime], timeout_seconds: float = 4.0) -> None:
        self._now = now
        self._timeout = timeout_seconds
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="prometheus")

    async def value(self, server: str, query: str) -> Answer:
        """Return the one number that `query` gives now."""
        try:
            value = _one_number(await self._in_thread(lambda: self._query(server, query)))
        except PrometheusError as error:
            return Answer(taken_at=self._now(), problem=str(error))
        return Answer(taken_at=self._now(), value=value)

    async def history(self, server: str, query: str, *, during: Range) -> Points:
        """Return the samples of the one series that `query` gives, none if it gives no series.

        Raises `PrometheusError`.
        """
        return _one_series(await self._in_thread(lambda: self._query_range(server, query, during=during)))

    def close(self) -> None:
        """Start no more questions; those that are being asked end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, ask: Callable[[], Result]) -> Result:
        answer = asyncio.get_running_loop().run_in_executor(self._threads, ask)
        try:
            return await asyncio.wait_for(answer, timeout=self._timeout + GRACE_SECONDS)
        except TimeoutError as error:
            raise PrometheusError("no answer in time") from error

    def _query(self, server: str, query: str) -> Any:
        parameters = {"timeout": f"{self._timeout:g}s"}
        return _asked(server, seconds=self._timeout, ask=lambda client: client.custom_query(query, params=parameters))

    def _query_range(self, server: str, query: str, *, during: Range) -> Any:
        parameters = {"timeout": f"{self._timeout:g}s"}
        return _asked(
            server,
            seconds=self._timeout,
            ask=lambda client: client.custom_query_range(
                query, during.start, during.end, f"{during.step.total_seconds():g}", params=parameters
            ),
        )


def _asked(server: str, *, seconds: float, ask: Callable[[Any], Any]) -> Any:
    """Return the result of `ask`; raise `PrometheusError` for whatever else comes of it."""
    # Only an operator that has somebody to ask pays for the client.
    import requests  # noqa: PLC0415
    from prometheus_api_client.exceptions import PrometheusApiClientException  # noqa: PLC0415
    from prometheus_api_client.prometheus_connect import PrometheusConnect  # noqa: PLC0415
    from urllib3 import Retry  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415
    from urllib3.exceptions import TimeoutError as SilenceError  # noqa: PLC0415

    session = _bounded_session(seconds)
    try:
        with PrometheusConnect(url=server.rstrip("/"), session=session, retry=Retry(0, read=False)) as client:
            return ask(client)
    except PrometheusApiClientException as error:
        raise PrometheusError(_refusal(session.answer)) from error
    except (requests.Timeout, SilenceError, TimeoutError) as error:
        raise PrometheusError("no answer in time") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PrometheusError("what answers is not a Prometheus: correct the address") from error
    except (requests.RequestException, HTTPError, OSError) as error:
        raise PrometheusError("no connection: correct the address, or let the operator reach it") from error


def _bounded_session(seconds: float) -> Any:
    """Return a session whose answers are bounded; its last one is `answer`."""
    from requests import Session  # noqa: PLC0415

    class BoundedSession(Session):
        """Follows nothing, uses nothing of the environment, reads no more and no longer than it may."""

        def __init__(self) -> None:
            super().__init__()
            self.trust_env = False
            self.headers["Accept-Encoding"] = "identity"
            self.deadline = time.monotonic() + seconds
            self.answer: Response | None = None

        def request(self, method: str | bytes, url: str | bytes, *_: Any, **options: Any) -> "Response":
            limits = {"allow_redirects": False, "stream": True, "timeout": seconds}
            self.answer = _read(super().request(method, url, **{**options, **limits}), deadline=self.deadline)
            return self.answer

    return BoundedSession()


def _read(response: "Response", *, deadline: float) -> "Response":
    """Return `response` with its whole body, as far as the limits allow one."""
    body = bytearray()
    with response:
        while chunk := response.raw.read1(65_536, decode_content=False):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                message = f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MiB: ask for less"
                raise PrometheusError(message)
            if time.monotonic() > deadline:
                raise PrometheusError("no answer in time")
    read = type(response)()
    read.status_code, read.headers, read.url = response.status_code, response.headers, response.url
    read.raw = BytesIO(bytes(body))
    return read


def _refusal(answer: "Response | None") -> str:
    """Return why a server did not give a result: in its own words only if they are those of a Prometheus."""
    if answer is None:
        return "no answer"
    if answer.is_redirect:
        return "the server redirects, which is not followed: use the address where it leads"
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("status") == "error":
        return f"the server refuses the query: {str(document.get('error'))[:LONGEST_COMPLAINT]}"
    return f"the server answers with HTTP status {answer.status_code}"


def _one_number(result: Any) -> float:
    """Return the value of an instant query: of a scalar, or of a vector with one element."""
    match result:
        case [int() | float(), str() as value] | [{"value": [int() | float(), str() as value]}]:
            return _number(value)
        case []:
            raise PrometheusError("the query gives no series: append 'or vector(0)' if that means an empty queue")
        case [{"values": _}, *_]:
            raise PrometheusError("the query gives a stretch of time: ask for one instant, without [...]")
        case [{"value": _}, *_]:
            raise PrometheusError("the query gives several series: sum them up")
    raise PrometheusError("what answers is not a Prometheus: correct the address")


def _one_series(result: Any) -> Points:
    """Return the samples of a range query."""
    match result:
        case []:
            return ()
        case [{"values": list(values)}]:
            return tuple((float(instant), _number(value)) for instant, value in values)
        case [_, _, *_]:
            raise PrometheusError("the query gives several series: sum them up")
    raise PrometheusError("what answers is not a Prometheus: correct the address")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PrometheusError("the query gives text: ask for a number") from error
