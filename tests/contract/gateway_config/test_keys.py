"""Which clients are allowed, and how a key is changed while HAProxy runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, digest, gateway

CLIENTS = {"web": "key-of-web", "batch": "key-of-batch"}


@pytest.fixture(scope="module")
async def locked(haproxy: str) -> AsyncIterator[tuple[Gateway, Engine]]:
    engine = open_engine()
    async with running(engine), gateway(haproxy, keys=CLIENTS) as door:
        await door.add(engine)
        yield door, engine


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_key_opens_and_names_its_client_in_the_log(client: str, locked: tuple[Gateway, Engine]) -> None:
    door, engine = locked
    answer = await door.embed(Authorization=f"Bearer {CLIENTS[client]}")
    assert answer.status == 200
    assert "authorization" not in engine.seen[-1].headers
    line = (await door.logged(1))[-1]
    assert (line["client"], line["request_id"]) == (client, answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer key-of-web2",
        "Bearer key-of-we",
        "Bearer KEY-OF-WEB",
        "key-of-web",
        "Basic key-of-web",
        f"Bearer {digest('key-of-web')}",
        "Bearer web",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/embeddings"), ("GET", "/v1/models")])
async def test_anything_else_does_not_open(given: str, method: str, path: str, locked: tuple[Gateway, Engine]) -> None:
    door, engine = locked
    engine.seen.clear()
    answer = await door.ask(method, path, b'{"input":"a"}' if method == "POST" else None, Authorization=given)
    assert answer.status == 401
    assert answer.error["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert engine.seen == []


async def test_no_key_and_two_keys_do_not_open(locked: tuple[Gateway, Engine]) -> None:
    door, _ = locked
    assert (await door.embed()).status == 401
    key = b"Authorization: Bearer key-of-web\r\n"
    answer = await door.raw(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + key + key + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_body_is_not_read_for_a_stranger(locked: tuple[Gateway, Engine]) -> None:
    door, _ = locked
    head = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n"
    assert (await door.raw(head, seconds=1)).startswith(b"HTTP/1.1 401")


async def test_health_needs_no_key(locked: tuple[Gateway, Engine]) -> None:
    assert (await locked[0].ask("GET", "/health")).status == 200


async def test_keys_change_at_once_and_together(locked: tuple[Gateway, Engine]) -> None:
    door, _ = locked
    assert (await door.embed(Authorization="Bearer key-of-web")).status == 200
    path = f"{door.config.run_folder}/keys.map"
    version = (await door.command(f"prepare map {path}")).strip().rsplit(" ", 1)[-1]
    await door.command(f"add map @{version} {path} {digest('new-key')} web")
    assert (await door.embed(Authorization="Bearer new-key")).status == 401
    await door.command(f"commit map @{version} {path}")
    given = ("new-key", "key-of-web", "key-of-batch")
    answers = await asyncio.gather(*(door.embed(Authorization=f"Bearer {key}") for key in given))
    assert [answer.status for answer in answers] == [200, 401, 401]
    version = (await door.command(f"prepare map {path}")).strip().rsplit(" ", 1)[-1]
    for client, key in CLIENTS.items():
        await door.command(f"add map @{version} {path} {digest(key)} {client}")
    await door.command(f"commit map @{version} {path}")


async def test_without_keys_no_client_gets_in(haproxy: str) -> None:
    async with gateway(haproxy, keys={}) as door:
        assert (await door.embed(Authorization="Bearer x")).status == 401
