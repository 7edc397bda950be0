"""Requests crafted to be parsed differently by two programs, and headers crafted to mislead."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.contract.gateway_config.engines import Engine
from tests.contract.gateway_config.gateway import Gateway

SECONDS = 0.5
PLAIN = {"connection", "content-length", "content-type", "host", "x-request-id"}
"""The headers that engines get."""

BODY = b'{"input":"a"}'
CHUNKED = b"d\r\n" + BODY + b"\r\n0\r\n\r\n"
HIDDEN = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
HEAD = b"POST /v1/embeddings HTTP/1.1\r\nHost: search\r\n"
JSON = b"Content-Type: application/json\r\n"

REFUSED = {
    "two lengths": HEAD + JSON + b"Content-Length: 13\r\nContent-Length: 0\r\n\r\n" + BODY + HIDDEN,
    "two lengths in one": HEAD + JSON + b"Content-Length: 13, 0\r\n\r\n" + BODY + HIDDEN,
    "negative length": HEAD + JSON + b"Content-Length: -13\r\n\r\n" + BODY,
    "signed length": HEAD + JSON + b"Content-Length: +13\r\n\r\n" + BODY,
    "length in hex": HEAD + JSON + b"Content-Length: 0x0d\r\n\r\n" + BODY,
    "length too large to count": HEAD + JSON + b"Content-Length: 99999999999999999999999999\r\n\r\n" + BODY,
    "space before the colon": HEAD + JSON + b"Content-Length : 13\r\n\r\n" + BODY,
    "no colon": HEAD + JSON + b"Nonsense\r\nContent-Length: 13\r\n\r\n" + BODY,
    "empty name": HEAD + JSON + b": x\r\nContent-Length: 13\r\n\r\n" + BODY,
    "null in a name": HEAD + JSON + b"X\0A: 1\r\nContent-Length: 13\r\n\r\n" + BODY,
    "carriage return in a value": HEAD + JSON + b"X-A: 1\rContent-Length: 0\r\nContent-Length: 13\r\n\r\n" + BODY,
    "chunked is not the last coding": HEAD + JSON + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNKED,
    "unknown coding": HEAD + JSON + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
    "control character in the coding": HEAD + JSON + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED,
    "chunk size in words": HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + CHUNKED,
    "negative chunk size": HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n-d\r\n" + CHUNKED,
    "chunk size too large to count": HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + CHUNKED,
    "chunk longer than it says": HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "no version": b"POST /v1/embeddings\r\nHost: x\r\n\r\n",
    "unknown version": HEAD.replace(b"1.1", b"3.7") + JSON + b"Content-Length: 13\r\n\r\n" + BODY,
    "space in the target": HEAD.replace(b" HTTP", b" /generate HTTP") + JSON + b"Content-Length: 13\r\n\r\n" + BODY,
    "two hosts": HEAD + JSON + b"Host: other\r\nContent-Length: 13\r\n\r\n" + BODY,
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused(name: str, door: Gateway, engine: Engine) -> None:
    answer = await door.raw(REFUSED[name], seconds=SECONDS)
    assert set(re.findall(rb"HTTP/1\.[01] (\d{3})", answer)) == {b"400"}, answer
    assert engine.seen == []


MADE_PLAIN = {
    "folded header": b"X-A: 1\r\n Content-Length: 0\r\nContent-Length: 13\r\n\r\n" + BODY,
    "folded type": b"Content-Length: 13\r\nTracestate: a\r\n Transfer-Encoding: chunked\r\n\r\n" + BODY,
    "null in a value": b"X-A: 1\0\r\nTraceparent: 1\0\r\nContent-Length: 13\r\n\r\n" + BODY,
    "length beside chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "length after chunks": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + CHUNKED,
    "chunk extensions": b"Transfer-Encoding: chunked\r\n\r\nd;a=b\r\n" + BODY + b"\r\n0;c\r\n\r\n",
    "trailers": b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED[:-2] + b"Content-Length: 0\r\nX-Key: 1\r\n\r\n",
    "same length twice": b"Content-Length: 13\r\nContent-Length: 13\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", MADE_PLAIN)
async def test_what_is_lawful_but_odd_reaches_engines_in_the_plain_form(
    name: str, door: Gateway, engine: Engine
) -> None:
    answer = await door.raw(HEAD + JSON + MADE_PLAIN[name] + HIDDEN, seconds=SECONDS)
    codes = re.findall(rb"HTTP/1\.[01] (\d{3})", answer)
    # A connection with contradictory lengths is not reused.
    assert codes in ([b"200"], [b"200", b"404"])
    (request,) = engine.seen
    assert (request.target, request.body) == ("/v1/embeddings", BODY)
    # HAProxy before 2.9 gives every body a length; later ones leave a chunked one as it is.
    framing = {"content-length": str(len(BODY))}, {"transfer-encoding": "chunked"}
    assert request.headers.keys() - {"content-length", "transfer-encoding"} == PLAIN - {"content-length"}
    assert {name: request.headers[name] for each in framing for name in each if name in request.headers} in framing


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_old_clients_are_served(version: bytes, door: Gateway) -> None:
    head = HEAD.replace(b"1.1", version) + JSON + b"Connection: close\r\nContent-Length: 13\r\n\r\n"
    assert b" 200 " in (await door.raw(head + BODY)).split(b"\r\n")[0]


@pytest.mark.parametrize("given", ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_refused(given: str, door: Gateway, engine: Engine) -> None:
    answer = await door.embed(Content_Type=given)
    assert answer.status == 415
    assert answer.error["code"] == "unsupported_media_type"
    assert engine.seen == []


@pytest.mark.parametrize("given", ["application/json", "Application/JSON; charset=utf-8", "application/json;"])
async def test_json_is_told_to_engines_in_one_way(given: str, door: Gateway, engine: Engine) -> None:
    assert (await door.embed(Content_Type=given)).status == 200
    assert engine.seen[0].headers["content-type"] == "application/json"


async def test_engines_get_the_headers_they_need_and_no_others(door: Gateway, engine: Engine) -> None:
    await door.embed(
        Authorization="Bearer secret",
        Proxy_Authorization="Basic eDp5",
        Cookie="session=1",
        X_Forwarded_For="1.1.1.1",
        X_Forwarded_Host="evil",
        X_Real_IP="1.1.1.1",
        Forwarded="for=1.1.1.1",
        Upgrade="h2c",
        HTTP2_Settings="AAMAAABkAAQAAP__",
        Connection="upgrade, http2-settings, x-request-id",
        TE="trailers",
        Expect="100-continue",
        Host="evil",
        X_SMG_Routing_Key="x",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    (request,) = engine.seen
    assert request.headers.keys() == PLAIN | {"traceparent"}
    assert request.headers["connection"] == "close"
    assert request.headers["host"] == "search"


async def test_answers_do_not_name_the_engine(door: Gateway) -> None:
    assert "server" not in (await door.embed()).headers


async def test_a_sane_request_id_is_kept(door: Gateway, engine: Engine) -> None:
    answer = await door.embed(X_Request_Id="req_1.a-B")
    assert answer.headers["x-request-id"] == "req_1.a-B"
    assert engine.seen[0].headers["x-request-id"] == "req_1.a-B"


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a\\b", "{}", "x" * 129, "é", "a,b"])
async def test_any_other_request_id_is_replaced(given: str, door: Gateway, engine: Engine) -> None:
    answer = await door.embed(X_Request_Id=given)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-request-id"])
    assert engine.seen[0].headers["x-request-id"] == answer.headers["x-request-id"]


async def test_refusals_carry_the_request_id(door: Gateway) -> None:
    answer = await door.ask("POST", "/generate", b"{}", X_Request_Id="mine")
    assert (answer.status, answer.headers["x-request-id"]) == (404, "mine")


async def test_headers_have_a_limit(door: Gateway, engine: Engine) -> None:
    raw = HEAD + JSON + b"X-A: " + b"a" * 20_000 + b"\r\nContent-Length: 13\r\n\r\n" + BODY
    assert b" 431 " in (await door.raw(raw, seconds=SECONDS)).split(b"\r\n")[0]
    many = HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"Content-Length: 13\r\n\r\n" + BODY
    assert b" 431 " in (await door.raw(many, seconds=SECONDS)).split(b"\r\n")[0]
    assert engine.seen == []


async def test_a_connection_on_which_nothing_is_asked_ends_without_an_answer(door: Gateway) -> None:
    assert await door.raw(b"") == b""


async def test_a_body_that_breaks_off_into_nonsense_is_refused_in_openais_shape(door: Gateway, engine: Engine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.config.http_port)
    writer.write(HEAD + JSON + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b"zz\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.transport.abort()
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["code"] == "bad_request"
    assert engine.seen == []


async def test_a_body_that_says_it_is_too_large_is_refused_unread(door: Gateway, engine: Engine) -> None:
    answer = await door.raw(HEAD + JSON + b"Content-Length: 100001\r\n\r\n", seconds=SECONDS)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"request_too_large"' in answer
    assert engine.seen == []


async def test_a_body_that_becomes_too_large_is_refused(door: Gateway, engine: Engine) -> None:
    chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n"
    answer = await door.raw(HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 40, seconds=SECONDS)
    assert answer.startswith(b"HTTP/1.1 413")
    assert engine.seen == []


async def test_a_large_body_is_read_by_a_client_that_waits_to_be_asked(door: Gateway) -> None:
    answer = await door.raw(HEAD + JSON + b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n", seconds=SECONDS)
    assert answer.startswith(b"HTTP/1.1 100")


async def test_a_client_that_does_not_end_its_headers_is_cut(door: Gateway) -> None:
    assert (await door.raw(HEAD)).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "body", [b"Content-Length: 13\r\n\r\n" + BODY[:5], b"Transfer-Encoding: chunked\r\n\r\nd\r\n{"]
)
async def test_a_client_that_does_not_end_its_body_is_cut(body: bytes, door: Gateway, engine: Engine) -> None:
    answer = await door.raw(HEAD + JSON + body)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"request_timeout"' in answer
    assert engine.seen == []


async def test_a_client_that_sends_a_byte_at_a_time_is_cut(door: Gateway, engine: Engine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.config.http_port)
    writer.write(HEAD + JSON + b"Content-Length: 1000\r\n\r\n")
    answering = asyncio.create_task(reader.read(12))
    sent = 0
    while not answering.done() and sent < 1000:
        writer.write(b"a")
        sent += 1
        await asyncio.sleep(0.05)
    assert await answering == b"HTTP/1.1 408"
    writer.transport.abort()
    assert engine.seen == []
