"""What may go wrong between the operator and the API server: three errors, and how an answer maps to one of them.

`Conflict`     the object changed or already exists: reread and retry
`Gone`         the object, its namespace or its kind does not exist (any more)
`Unavailable`  everything else, with what the server said and what, if anything, must change before it can succeed
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config import ConfigException

from embedding_operator.api.v1alpha1.conditions import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the API server; `resource` is qualified by its group."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.verb} {self.resource} {where}".rstrip()


class Conflict(Exception):  # noqa: N818 - the three outcomes are named for what they are
    """The object changed since it was read, or an object of that name already exists."""


class Gone(Exception):  # noqa: N818
    """The object, its namespace, its kind or the page of a list does not exist (any more)."""


class Unavailable(Exception):  # noqa: N818
    """The request did not succeed.

    `status` is the HTTP status, None if there was no answer. `reason` says what must change before it can succeed; it
    is None if waiting may be enough. `retry_after` is in seconds, as the server asked.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: Reason | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


@contextmanager
def translated(request: Request) -> Iterator[None]:
    """Raise `Unavailable` for anything that keeps `request` from getting an answer."""
    try:
        yield
    except TimeoutError as error:
        message = f"{request}: no answer in time"
        raise Unavailable(message) from error
    except (aiohttp.ClientError, ApiException, ConfigException, OSError, ValueError) as error:
        message = f"{request}: {str(error) or type(error).__name__}"
        raise Unavailable(message) from error


def error_of(
    request: Request, *, status: int, headers: Mapping[str, str], body: bytes
) -> Conflict | Gone | Unavailable:
    """Return the error for an answer with an error status."""
    answer = _status_object(body)
    said = str(answer.get("message") or body[:500].decode(errors="replace") or "no message")
    message = f"{request}: {said}"
    if status in (404, 410) or _namespace_is_terminating(answer):
        return Gone(message)
    if status == HTTPStatus.CONFLICT or _is_of_another_object(answer):
        return Conflict(message)
    return Unavailable(
        message, status=status, reason=refusal_reason(status=status, message=said), retry_after=_retry_after(headers)
    )


def refusal_reason(*, status: int, message: str) -> Reason | None:
    """Return what must change before a refused request can succeed; None if waiting may be enough."""
    lowered = message.lower()
    if "exceeded quota" in lowered or "insufficient quota" in lowered:
        return Reason.QUOTA_EXCEEDED
    if status == HTTPStatus.FORBIDDEN or "denied the request" in lowered or "denied request" in lowered:
        return Reason.FORBIDDEN
    return Reason.INVALID_SPEC if status in (400, 413, 422) else None


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _causes(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (answer.get("details") or {}).get("causes") or ()


def _namespace_is_terminating(answer: Mapping[str, Any]) -> bool:
    return any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(answer))


def _is_of_another_object(answer: Mapping[str, Any]) -> bool:
    """Return whether a write named the UID of an object that has since been replaced by another one."""
    return any(cause.get("field") == "metadata.uid" for cause in _causes(answer))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else None
