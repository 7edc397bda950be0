"""Watching a collection, against a small HTTP server with predefined responses."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from embedding_operator.gateway.endpoint_slices import endpoint_slices
from embedding_operator.kube.client import Body, Client
from embedding_operator.kube.errors import Gone, Unavailable
from embedding_operator.kube.watch import WATCH_BACKOFF, follow

from tests.world.http_server import Answer, HttpServer

SHORT = replace(WATCH_BACKOFF, jitter=lambda: 1.0)
SLICES = endpoint_slices(namespace="search", selector="kubernetes.io/service-name=qwen-engines")
SECONDS = 20


def slice_of(name: str, version: str, **content: str) -> Body:
    return {"metadata": {"name": name, "resourceVersion": version}, **content}


def listed(*bodies: Body, version: str = "7") -> Answer:
    return 200, {"metadata": {"resourceVersion": version}, "items": list(bodies)}


def watched(*events: tuple[str, Body]) -> Answer:
    return 200, "".join(json.dumps({"type": kind, "object": body}) + "\n" for kind, body in events)


def failure(code: int) -> tuple[str, Body]:
    return "ERROR", {"kind": "Status", "code": code, "message": "too old resource version"}


async def first(count: int, client: Client, errors: list[Exception]) -> list[Mapping[str, Body]]:
    """Return copies of the first `count` yielded items."""
    found: list[Mapping[str, Body]] = []
    following: AsyncIterator[Mapping[str, Body]] = follow(client, SLICES, failed=errors.append, backoff=SHORT)
    async with asyncio.timeout(SECONDS), aclosing(following):  # type: ignore[type-var]
        async for objects in following:
            found.append(dict(objects))
            if len(found) == count:
                break
    return found


@pytest.fixture
def errors() -> list[Exception]:
    return []


def queries(server: HttpServer) -> list[dict[str, Any]]:
    return [dict(request.query) for request in server.requests]


async def test_it_lists_and_then_takes_each_change(server: HttpServer, client: Client, errors: list[Exception]) -> None:
    server.answers = [
        listed(slice_of("a", "5")),
        watched(
            ("ADDED", slice_of("b", "8")),
            ("BOOKMARK", slice_of("", "9")),
            ("MODIFIED", slice_of("a", "10", now="changed")),
            ("DELETED", slice_of("b", "11")),
        ),
    ]
    assert await first(4, client, errors) == [
        {"a": slice_of("a", "5")},
        {"a": slice_of("a", "5"), "b": slice_of("b", "8")},
        {"a": slice_of("a", "10", now="changed"), "b": slice_of("b", "8")},
        {"a": slice_of("a", "10", now="changed")},
    ]
    assert errors == []
    assert server.requests[0].path == "/apis/discovery.k8s.io/v1/namespaces/search/endpointslices"
    assert server.requests[1].headers["Authorization"] == "Bearer first"
    selector = "kubernetes.io/service-name=qwen-engines"
    assert queries(server) == [
        {"limit": "500", "labelSelector": selector},
        {
            "watch": "true",
            "resourceVersion": "7",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "60",
            "labelSelector": selector,
        },
    ]


async def test_a_watch_that_ends_is_taken_up_where_it_ended(
    server: HttpServer, client: Client, errors: list[Exception]
) -> None:
    server.answers = [listed(), watched(("BOOKMARK", slice_of("", "9"))), watched(("ADDED", slice_of("a", "12")))]
    assert await first(2, client, errors) == [{}, {"a": slice_of("a", "12")}]
    assert [query.get("resourceVersion") for query in queries(server)] == [None, "7", "9"]
    assert errors == []


@pytest.mark.parametrize("gone", [watched(failure(410)), (410, {"message": "too old resource version"})])
async def test_a_version_that_is_forgotten_leads_to_a_new_list(
    server: HttpServer, client: Client, errors: list[Exception], gone: Answer
) -> None:
    server.answers = [listed(slice_of("a", "5")), gone, listed(slice_of("b", "20"), version="20")]
    assert await first(2, client, errors) == [{"a": slice_of("a", "5")}, {"b": slice_of("b", "20")}]
    assert [type(error) for error in errors] == [Gone]


@pytest.mark.parametrize("failing", [(500, {}), (503, "no answer"), (200, "no json\n"), watched(failure(500))])
async def test_a_server_that_fails_takes_nothing_away(
    server: HttpServer, client: Client, errors: list[Exception], failing: Answer
) -> None:
    server.answers = [listed(slice_of("a", "5")), failing, watched(("ADDED", slice_of("b", "9")))]
    assert await first(2, client, errors) == [
        {"a": slice_of("a", "5")},
        {"a": slice_of("a", "5"), "b": slice_of("b", "9")},
    ]
    assert [type(error) for error in errors] == [Unavailable]


async def test_a_server_that_fails_at_first_is_asked_again(
    server: HttpServer, client: Client, errors: list[Exception]
) -> None:
    server.answers = [(503, {}), (403, {}), listed(slice_of("a", "5"))]
    assert await first(1, client, errors) == [{"a": slice_of("a", "5")}]
    assert len(errors) == 2


async def test_a_watch_that_fails_again_and_again_leads_to_a_new_list(
    server: HttpServer, client: Client, errors: list[Exception]
) -> None:
    server.answers = [listed(version="900"), *[(504, {"message": "too large resource version"})] * 4, listed()]
    assert await first(2, client, errors) == [{}, {}]
    assert [type(error) for error in errors] == [Unavailable] * 4


async def test_a_watch_that_always_ends_at_once_is_not_asked_without_pause(
    server: HttpServer, client: Client, errors: list[Exception]
) -> None:
    server.answers = [listed()]
    server.otherwise = lambda *_: (200, "")
    following = follow(client, SLICES, failed=errors.append, backoff=replace(WATCH_BACKOFF, jitter=lambda: 0.0))

    async def listen() -> None:
        async for _ in following:
            pass

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await listen()
    assert len(server.requests) <= 5
