"""One connection pool to the API server, exchanging plain JSON documents.

Every request has a time limit and is counted; every error is one of the three in `errors`. A client behind a gate
checks it right before each write, and gives the write no more time than the gate does: a process that lost its Lease
can no longer write, and does not wait for a write that it sent before.
"""

import json
import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from embedding_operator.kube.errors import Gone, Request, Unavailable, error_of, translated
from embedding_operator.kube.resources import Resource
from embedding_operator.rendering.names import FIELD_MANAGER

Body = dict[str, Any]

PAGE_SIZE = 500
LIST_ATTEMPTS = 3
CREDENTIALS_SECONDS = 60.0

_JSON = "application/json"
_ANY = "*/*"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One finished request, for metrics; `code` is the HTTP status, or `error` if there was no answer."""

    verb: str
    resource: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A whole collection as it was at `resource_version`."""

    items: tuple[Body, ...]
    resource_version: str


def _always() -> float:
    return math.inf


def _unobserved(_: Answered) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Requests to one API server. `gate` returns for how many seconds this process may write."""

    api: ApiClient
    timeout_seconds: float = 10.0
    observer: Callable[[Answered], None] = _unobserved
    gate: Callable[[], float] = _always

    def behind(self, gate: Callable[[], float]) -> "Client":
        """Return a client on the same connections that writes only while `gate` gives it time."""
        return Client(api=self.api, timeout_seconds=self.timeout_seconds, observer=self.observer, gate=gate)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()  # type: ignore[no-untyped-call]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, resource: Resource, *, name: str, namespace: str = "") -> Body:
        """Return one object."""
        return await self._send("get", resource, method="GET", namespace=namespace, name=name)

    async def document(self, path: str) -> Body:
        """Return the JSON document at `path`, which is no object."""
        return await self._answer(Request(verb="get", resource=path), method="GET", path=path, accept=_ANY)

    async def list_all(
        self, resource: Resource, *, namespace: str = "", selector: str = "", page_size: int = PAGE_SIZE
    ) -> Listing:
        """Return all objects that match `selector`, in one or all namespaces, read page by page."""
        for attempt in range(1, LIST_ATTEMPTS + 1):
            items: list[Body] = []
            version = ""
            try:
                async for page in self._pages(resource, namespace, selector=selector, page_size=page_size):
                    items += page.get("items") or ()
                    version = version or page["metadata"]["resourceVersion"]
            except Gone:
                # A page is gone when the list took longer than the server keeps old versions: start over.
                if not items or attempt == LIST_ATTEMPTS:
                    raise
            else:
                return Listing(items=tuple(items), resource_version=version)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    async def apply(
        self, resource: Resource, body: Body, *, force: bool, manager: str = FIELD_MANAGER, subresource: str = ""
    ) -> Body:
        """Apply `body` server-side, by default as the operator's field manager; return the object."""
        query = [("fieldManager", manager), ("force", "true" if force else "false")]
        return await self._write_object(
            "patch", resource, body, method="PATCH", query=query, content=_APPLY, subresource=subresource
        )

    async def merge(self, resource: Resource, patch: Body, *, name: str, namespace: str = "") -> Body:
        """Merge `patch` into one object; return the object."""
        return await self._send(
            "patch",
            resource,
            method="PATCH",
            namespace=namespace,
            name=name,
            body=patch,
            content=_MERGE,
            query=[("fieldManager", FIELD_MANAGER)],
        )

    async def create(self, resource: Resource, body: Body) -> Body:
        """Create an object; return it."""
        namespace = body["metadata"].get("namespace", "")
        query = [("fieldManager", FIELD_MANAGER)]
        return await self._send("create", resource, method="POST", namespace=namespace, body=body, query=query)

    async def replace(self, resource: Resource, body: Body) -> Body:
        """Replace an object if its resourceVersion is still the one in `body`; return it."""
        query = [("fieldManager", FIELD_MANAGER)]
        return await self._write_object("update", resource, body, method="PUT", query=query, content=_JSON)

    async def delete(self, resource: Resource, *, namespace: str, name: str, uid: str, resource_version: str) -> Body:
        """Delete an object if it is still exactly as it was seen; return the server's answer."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        }
        return await self._send("delete", resource, method="DELETE", namespace=namespace, name=name, body=options)

    async def _pages(self, resource: Resource, namespace: str, *, selector: str, page_size: int) -> AsyncIterator[Body]:
        token = ""
        while True:
            query = [("limit", str(page_size))]
            query += [("labelSelector", selector)] if selector else []
            query += [("continue", token)] if token else []
            page = await self._send("list", resource, method="GET", namespace=namespace, query=query)
            yield page
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def _write_object(
        self,
        verb: str,
        resource: Resource,
        body: Body,
        *,
        method: str,
        query: list[tuple[str, str]],
        content: str,
        subresource: str = "",
    ) -> Body:
        metadata = body["metadata"]
        return await self._send(
            verb,
            resource,
            method=method,
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
            subresource=subresource,
            body=body,
            query=query,
            content=content,
        )

    async def _send(
        self,
        verb: str,
        resource: Resource,
        *,
        method: str,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
        body: Body | None = None,
        query: list[tuple[str, str]] | None = None,
        content: str = _JSON,
    ) -> Body:
        qualified = f"{resource.qualified}/{subresource}" if subresource else resource.qualified
        request = Request(verb=verb, resource=qualified, namespace=namespace, name=name)
        path = resource.path(namespace=namespace, name=name, subresource=subresource)
        return await self._answer(request, method=method, path=path, body=body, query=query, content=content)

    async def _answer(
        self,
        request: Request,
        *,
        method: str,
        path: str,
        body: Body | None = None,
        query: list[tuple[str, str]] | None = None,
        content: str = _JSON,
        accept: str = _JSON,
    ) -> Body:
        started, code = time.monotonic(), "error"
        try:
            with translated(request):
                parameters = await self.api.param_serialize(
                    method,
                    path,
                    query_params=query,
                    header_params={"Content-Type": content, "Accept": accept},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                seconds = self.timeout_seconds if method == "GET" else min(self.timeout_seconds, self.gate())
                if seconds <= 0:
                    message = f"{request}: not sent: this process does not hold the Lease"
                    raise Unavailable(message)
                status, headers, answer = await self._exchange(parameters, seconds=seconds)
                code = str(status)
                if status < HTTPStatus.BAD_REQUEST:
                    document: Body = json.loads(answer)
                    return document
            raise error_of(request, status=status, headers=headers, body=answer)
        finally:
            seconds = time.monotonic() - started
            self.observer(Answered(verb=request.verb, resource=request.resource, code=code, seconds=seconds))

    async def _exchange(self, parameters: tuple[Any, ...], *, seconds: float) -> tuple[int, dict[str, str], bytes]:
        method, url, header, body, _ = parameters
        limit = aiohttp.ClientTimeout(total=seconds)
        response = await self.api.call_api(method, url, header, body, _request_timeout=limit)
        answer: bytes = await response.read()  # type: ignore[no-untyped-call]
        return response.status, dict(response.headers), answer


async def connect(
    *,
    kubeconfig: Path | None,
    user_agent: str,
    context: str | None = None,
    connections: int = 32,
    timeout_seconds: float = 10.0,
    observer: Callable[[Answered], None] = _unobserved,
    monotonic: Callable[[], float] = time.monotonic,
) -> Client:
    """Return a client for the cluster of `kubeconfig` (in its current or another `context`), or for this pod's own.

    Raises `Unavailable` if the configuration cannot be read.
    """
    configuration = Configuration(connection_pool_maxsize=connections)
    with translated(Request(verb="load", resource="configuration", name=str(kubeconfig or "in-cluster"))):
        if kubeconfig is None:
            # Rereads the token every minute, so a rotated one is picked up long before the old one expires.
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        else:
            path = os.fspath(kubeconfig)
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                path, context=context, client_configuration=configuration
            )
            configuration.refresh_api_key_hook = _every_minute(loader.load_and_set, monotonic)  # type: ignore[assignment]
    api = ApiClient(configuration)
    api.user_agent = user_agent
    return Client(api=api, timeout_seconds=timeout_seconds, observer=observer)


def _every_minute(
    reload: Callable[[Configuration], Awaitable[None]], monotonic: Callable[[], float]
) -> Callable[[Configuration], Awaitable[None]]:
    """Return a hook that rereads rotating credentials (token files, exec plug-ins), at most once a minute."""
    loaded = monotonic()

    async def refresh(configuration: Configuration) -> None:
        nonlocal loaded
        if monotonic() - loaded >= CREDENTIALS_SECONDS:
            loaded = monotonic()
            await reload(configuration)

    return refresh
