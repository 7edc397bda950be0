"""Querying Prometheus servers: the current value of a query, or its history.

The client blocks, so every query runs in a dedicated thread pool. A server that users may name is not trusted: no
redirect is followed, no proxy and no credentials of this process are used, and an answer is limited in time and size.
Anything but exactly one number is reported as a problem in words, never as 0.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from embedding_operator.telemetry.bounded_session import MAX_ANSWER_BYTES, TooLongError, bounded_session

if TYPE_CHECKING:
    from requests import Response

THREADS = 16
"""As many as queries of triggers and forecasts are in progress together."""

GRACE_SECONDS = 0.5
LONGEST_COMPLAINT = 200
ABOUT_THE_QUERY = ("PromQL info", "PromQL warning")

MAX_AGE_SECONDS = 300.0
"""Prometheus itself takes a sample for the current one for five minutes. Clocks differ by less."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of a query at an instant; `value` is None if there is a `problem`."""

    taken_at: datetime
    value: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A time range, sampled every `step`."""

    start: datetime
    end: datetime
    step: timedelta


Points = tuple[tuple[float, float], ...]
"""Samples of one series: seconds since 1970, and the value at that time."""


class PrometheusError(Exception):
    """A server gave no usable answer; the message says why and, if it can be fixed, how."""


class Prometheus:
    """Queries servers by their address; each query ends within `timeout_seconds`."""

    def __init__(self, *, now: Callable[[], datetime], timeout_seconds: float = 4.0) -> None:
        self._now = now
        self._timeout = timeout_seconds
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="prometheus")

    async def value(self, server: str, query: str) -> Answer:
        """Return the current value of `query`, which must be one number."""
        try:
            result = await self._in_thread(lambda: self._query(server, query))
            value = _one_number(result, now=self._now())
        except PrometheusError as error:
            return Answer(taken_at=self._now(), problem=str(error))
        return Answer(taken_at=self._now(), value=value)

    async def history(self, server: str, query: str, *, during: Range) -> Points:
        """Return the samples of the one series that `query` returns, none if it returns no series.

        Raises `PrometheusError`.
        """
        return _one_series(await self._in_thread(lambda: self._query_range(server, query, during=during)))

    def close(self) -> None:
        """Start no more queries; those in progress end by themselves."""
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
    """Return the result of `ask`; raise `PrometheusError` if it fails."""
    # Imported here so that only an operator with a Prometheus to query pays for the client.
    import requests  # noqa: PLC0415
    from prometheus_api_client.exceptions import PrometheusApiClientException  # noqa: PLC0415
    from prometheus_api_client.prometheus_connect import PrometheusConnect  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415
    from urllib3.exceptions import TimeoutError as SilenceError  # noqa: PLC0415

    session = bounded_session(seconds)
    try:
        with PrometheusConnect(url=server.rstrip("/"), session=session) as client:
            result = ask(client)
            _check_complete(_document(session.answer))
    except TooLongError as error:
        message = f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MiB: narrow the query"
        raise PrometheusError(message) from error
    except PrometheusApiClientException as error:
        raise PrometheusError(_refusal(session.answer)) from error
    except (requests.Timeout, SilenceError, TimeoutError) as error:
        raise PrometheusError("no answer in time") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        message = _rejection(_document(session.answer)) or "the server is not a Prometheus: correct the address"
        raise PrometheusError(message) from error
    except (requests.RequestException, HTTPError, OSError) as error:
        if session.is_over():
            raise PrometheusError("no answer in time") from error
        raise PrometheusError("no connection: correct the address, or allow the operator to reach it") from error
    finally:
        session.close()
    return result


def _refusal(answer: "Response | None") -> str:
    """Return why a server gave no result, in its own words only if they are those of a Prometheus."""
    if answer is None:
        return "no answer"
    if answer.is_redirect:
        return "the server redirects, and redirects are not followed: use the address that it redirects to"
    return _rejection(_document(answer)) or f"the server answered with HTTP status {answer.status_code}"


def _document(answer: "Response | None") -> dict[str, Any]:
    """Return the JSON object that a server answered with, empty if it is none."""
    try:
        document = None if answer is None else json.loads(answer.content)
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}


def _rejection(document: dict[str, Any]) -> str | None:
    """Return why a Prometheus rejected a query, in its own words; None if it did not."""
    if document.get("status") != "error":
        return None
    return f"the server rejected the query: {str(document.get('error'))[:LONGEST_COMPLAINT]}"


def _check_complete(document: dict[str, Any]) -> None:
    """Raise `PrometheusError` if a server says that it does not have everything.

    Thanos and Mimir answer with warnings when a store is away, VictoriaMetrics with `isPartial`. Prometheus also warns
    about the form of a query, which has nothing to do with the data.
    """
    data = document.get("data")
    if document.get("isPartial") is True or (isinstance(data, dict) and data.get("isPartial") is True):
        raise PrometheusError("the answer is partial: some of the server's storage did not respond")
    warnings = document.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        if not str(warning).startswith(ABOUT_THE_QUERY):
            message = f"the answer is incomplete: {str(warning)[:LONGEST_COMPLAINT]}"
            raise PrometheusError(message)


def _one_number(result: Any, *, now: datetime) -> float:
    """Return the value of an instant query: of a scalar, or of a vector with one element."""
    match result:
        case [int() | float() as instant, str() as value] | [{"value": [int() | float() as instant, str() as value]}]:
            _check_current(now.timestamp() - instant)
            return _number(value)
        case []:
            raise PrometheusError("the query returns no series: append 'or vector(0)' if that means an empty queue")
        case [{"values": _}, *_]:
            raise PrometheusError("the query returns a range: query one instant, without [...]")
        case [{"value": _}, *_]:
            raise PrometheusError("the query returns several series: sum them")
    raise PrometheusError("the server is not a Prometheus: correct the address")


def _check_current(age_seconds: float) -> None:
    """Raise `PrometheusError` if the newest value is old: a server that gets no more samples repeats the last one."""
    if not abs(age_seconds) <= MAX_AGE_SECONDS:
        when = f"{age_seconds:.0f} s old" if age_seconds > 0 else f"{-age_seconds:.0f} s in the future"
        message = f"the newest value is {when}"
        raise PrometheusError(message)


def _one_series(result: Any) -> Points:
    """Return the samples of a range query."""
    match result:
        case []:
            return ()
        case [{"values": list(values)}]:
            return tuple((float(instant), _number(value)) for instant, value in values)
        case [_, _, *_]:
            raise PrometheusError("the query returns several series: sum them")
    raise PrometheusError("the server is not a Prometheus: correct the address")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PrometheusError("the query returns text: query a number") from error
