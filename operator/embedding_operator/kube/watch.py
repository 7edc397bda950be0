"""One collection of objects, followed until the caller stops: listed once, then kept up to date by a watch.

Known objects are kept while the API server is away: a collection changes only by what the server says.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import aiohttp

from embedding_operator.kube.backoff import Backoff
from embedding_operator.kube.client import Body, Client
from embedding_operator.kube.errors import Conflict, Gone, Request, Unavailable, error_of, translated
from embedding_operator.kube.resources import Resource

WATCH_SECONDS = 60
"""A watch ends and is resumed after this time, so that a silently broken connection is noticed."""

SILENCE_SECONDS = 15.0
SHORTEST_WATCH_SECONDS = 1.0

FAILURES_UNTIL_LIST = 3
"""A server that was restored from a backup may never reach the known version."""

WATCH_BACKOFF = Backoff(first=0.2, longest=5.0)

_EXPIRED = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A kind, the namespace, and the labels of the objects in it that are meant."""

    resource: Resource
    namespace: str
    selector: str

    def __str__(self) -> str:
        return f"{self.resource.qualified} in {self.namespace} with {self.selector}"


async def follow(
    client: Client,
    collection: Collection,
    *,
    failed: Callable[[Exception], None],
    backoff: Backoff = WATCH_BACKOFF,
) -> AsyncIterator[Mapping[str, Body]]:
    """Yield all objects by name: first as listed, then again after each change. Runs until cancelled.

    Errors are passed to `failed` and retried after a pause. A version that the server has forgotten leads to a new
    list; until that list arrives, what was yielded last remains valid.
    """
    objects: dict[str, Body] = {}
    version, failures = "", 0
    now = asyncio.get_running_loop().time
    while True:
        began = now()
        try:
            if not version:
                listing = await client.list_all(
                    collection.resource, namespace=collection.namespace, selector=collection.selector
                )
                objects = {body["metadata"]["name"]: body for body in listing.items}
                version = listing.resource_version
                yield MappingProxyType(objects)
            began = now()
            async for event in _events(client, collection, version=version):
                version = event["object"]["metadata"]["resourceVersion"]
                if _took(objects, event):
                    yield MappingProxyType(objects)
        except (Conflict, Gone, Unavailable) as error:
            failed(error)
            version = "" if isinstance(error, Gone) or failures >= FAILURES_UNTIL_LIST else version
        # A watch that ends at once is not a success, even if the server reports one.
        failures = 0 if now() - began >= SHORTEST_WATCH_SECONDS else failures + 1
        if failures:
            await asyncio.sleep(backoff.pause(failures))


def _took(objects: dict[str, Body], event: Body) -> bool:
    """Apply one event to `objects`; return whether it was about an object."""
    body = event["object"]
    match event["type"]:
        case "ADDED" | "MODIFIED":
            objects[body["metadata"]["name"]] = body
        case "DELETED":
            objects.pop(body["metadata"]["name"], None)
        case _:
            return False
    return True


async def _events(client: Client, collection: Collection, *, version: str) -> AsyncIterator[Body]:
    """Yield the events after `version` until the server ends the watch.

    Raises `Gone` if the server no longer knows that version, `Unavailable` if the connection fails.
    """
    resource = collection.resource
    request = Request(verb="watch", resource=resource.qualified, namespace=collection.namespace)
    with translated(request):
        response = await _opened(client, collection, version=version)
        try:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise error_of(
                    request, status=response.status, headers=dict(response.headers), body=await response.read()
                )
            async for line in response.content:
                event: Body = json.loads(line)
                if event["type"] == "ERROR":
                    raise _failure(request, event["object"])
                yield event
        finally:
            response.close()


async def _opened(client: Client, collection: Collection, *, version: str) -> aiohttp.ClientResponse:
    query = [
        ("watch", "true"),
        ("resourceVersion", version),
        ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", str(WATCH_SECONDS)),
        ("labelSelector", collection.selector),
    ]
    method, url, header, body, _ = await client.api.param_serialize(
        "GET",
        collection.resource.path(namespace=collection.namespace),
        query_params=query,
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    limit = aiohttp.ClientTimeout(
        total=None, sock_connect=client.timeout_seconds, sock_read=WATCH_SECONDS + SILENCE_SECONDS
    )
    answer = await client.api.call_api(method, url, header, body, _request_timeout=limit)
    response: aiohttp.ClientResponse = answer.response
    return response


def _failure(request: Request, status: Mapping[str, Any]) -> Gone | Unavailable:
    code = int(status.get("code") or 0)
    message = f"{request}: {status.get('message') or 'the server ended the watch'}"
    return Gone(message) if code == _EXPIRED else Unavailable(message, status=code or None)
