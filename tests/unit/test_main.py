"""The process: what ends it, and what it requests from the API server."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.__main__ import main
from embedding_operator.handlers.watches import WATCHED
from embedding_operator.kube.resources import EMBEDDING_SERVICE, Resource
from embedding_operator.settings import PREFIX

from testbed.engine.process import free_port
from tests.world.http_server import Answer, HttpServer, http_server
from tests.world.issuer import IssuerOfTests

SECONDS = 20


def test_settings_that_cannot_be_used_end_it_with_their_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMBEDDING_OPERATOR_POLL_SECONDS", "often")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "EMBEDDING_OPERATOR_POLL_SECONDS='often': use a number from 1 to 60" in capsys.readouterr().err


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpServer]:
    async with http_server(tmp_path) as serving:
        yield serving


def described(resource: Resource) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    names = {"name": resource.plural, "singularName": "", "kind": resource.kind}
    return {**names, "namespaced": resource.namespaced, "verbs": verbs}


def group_version(resource: Resource) -> str:
    return f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.api_version}"


def empty_cluster(request: web.Request, _: Any) -> Answer:
    """Answer discovery, empty lists, and watches in which nothing happens."""
    groups = sorted({resource.api_version for resource in WATCHED if resource.group})
    if request.path == "/api":
        return 200, {"versions": ["v1"]}
    if request.path == "/apis":
        versions = [{"groupVersion": each, "version": each.rpartition("/")[2]} for each in groups]
        named = [{"name": each["groupVersion"].partition("/")[0], "versions": [each]} for each in versions]
        return 200, {"groups": [{**each, "preferredVersion": each["versions"][0]} for each in named]}
    if "watch" in request.query:
        return 200, ""
    found = [described(resource) for resource in WATCHED if group_version(resource) == request.path]
    if found:
        return 200, {"resources": found}
    return 200, {"metadata": {"resourceVersion": "7"}, "items": []}


def watched(requests: Iterable[web.Request]) -> set[str]:
    return {request.path for request in requests if "watch" in request.query}


def paths(server: HttpServer) -> list[str]:
    return [request.path for request in server.requests]


@asynccontextmanager
async def operator(server: HttpServer, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the operator as a process without a user name."""
    ports = {name: str(free_port()) for name in ("HEALTH_PORT", "METRICS_PORT", "POKE_PORT")}
    settings = {"LEASE": "false", **ports, **variables}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "embedding_operator"),
        env={"KUBECONFIG": str(server.kubeconfig)} | {f"{PREFIX}{name}": value for name, value in settings.items()},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_with_watched_namespaces_it_asks_for_nothing_namespaced_elsewhere(server: HttpServer) -> None:
    everything = asyncio.Event()

    def answer(request: web.Request, body: Any) -> Answer:
        if len(watched(server.requests)) == len(WATCHED):
            everything.set()
        return empty_cluster(request, body)

    server.otherwise = answer
    async with asyncio.timeout(SECONDS), operator(server, WATCH_NAMESPACES="search") as process:
        await everything.wait()
        process.terminate()
        assert await process.wait() == 0
    assert watched(server.requests) == {resource.path(namespace="search") for resource in WATCHED}
    kinds = {resource.plural for resource in WATCHED if resource.namespaced}
    elsewhere = [path for path in paths(server) if path.rpartition("/")[2] in kinds and "/search/" not in path]
    assert elsewhere == []


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_it_waits_for_a_cluster_that_cannot_be_read_and_is_alive_meanwhile(
    server: HttpServer, status: int
) -> None:
    refuses, again, everything = True, asyncio.Event(), asyncio.Event()

    def answer(request: web.Request, body: Any) -> Answer:
        if len(server.requests) > 1:
            again.set()
        if len(watched(server.requests)) == len(WATCHED):
            everything.set()
        return (status, {"message": "not yet"}) if refuses else empty_cluster(request, body)

    server.otherwise = answer
    port = free_port()
    async with asyncio.timeout(SECONDS), operator(server, HEALTH_PORT=str(port)) as process:
        await again.wait()
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        assert process.returncode is None
        refuses = False
        await everything.wait()
        process.terminate()
        assert await process.wait() == 0


async def test_it_ends_when_a_watched_kind_is_gone_so_that_the_next_one_waits_for_it(server: HttpServer) -> None:
    everything, gone = asyncio.Event(), False

    def answer(request: web.Request, body: Any) -> Answer:
        if len(watched(server.requests)) == len(WATCHED):
            everything.set()
        if request.path == EMBEDDING_SERVICE.path() and gone:
            return 404, {"kind": "Status", "code": 404, "message": "the server could not find the requested resource"}
        return empty_cluster(request, body)

    server.otherwise = answer
    async with asyncio.timeout(SECONDS), operator(server) as process:
        await everything.wait()
        gone = True
        assert await process.wait() == 0


async def test_it_ends_when_it_is_told_to_while_it_waits_for_the_cluster(server: HttpServer) -> None:
    asked = asyncio.Event()

    def answer(_: web.Request, __: Any) -> Answer:
        asked.set()
        return 503, {"message": "not yet"}

    server.otherwise = answer
    async with asyncio.timeout(SECONDS), operator(server) as process:
        await asked.wait()
        process.terminate()
        assert await process.wait() == 0


async def test_it_takes_pokes_of_gateways_and_knows_whose_they_are(server: HttpServer) -> None:
    issuer = IssuerOfTests()

    def answer(request: web.Request, body: Any) -> Answer:
        return (200, found) if (found := issuer.documents.get(request.path)) else empty_cluster(request, body)

    server.otherwise = answer
    port, of_another = free_port(), issuer.token(sub="system:serviceaccount:search:bge-gateway")
    of_gateway = issuer.token(sub="system:serviceaccount:search:qwen-gateway")
    url, poke = f"http://127.0.0.1:{port}/poke", {"namespace": "search", "name": "qwen"}
    async with asyncio.timeout(SECONDS), operator(server, POKE_PORT=str(port)), aiohttp.ClientSession() as session:

        async def answered(token: str) -> int:
            async with session.post(url, json=poke, headers={"Authorization": f"Bearer {token}"}) as response:
                return response.status

        status = 0
        while status != 401:
            await asyncio.sleep(0.1)
            with suppress(aiohttp.ClientConnectionError):
                status = await answered("secret")
                assert status in {202, 401}
        assert await answered(of_another) == 403
        assert await answered(of_gateway) == 202


async def test_it_ends_when_its_port_is_taken(server: HttpServer) -> None:
    server.otherwise = empty_cluster
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        async with asyncio.timeout(SECONDS), operator(server, POKE_PORT=str(port)) as process:
            assert await process.wait() == 1
