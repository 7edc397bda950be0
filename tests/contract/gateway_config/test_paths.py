"""What reaches an engine: two paths, in one spelling."""

from __future__ import annotations

import pytest

from tests.contract.gateway_config.engines import Engine
from tests.contract.gateway_config.gateway import Gateway

OTHERS = [
    "/",
    "/generate",
    "/v1/completions",
    "/v1/chat/completions",
    "/v1/classify",
    "/metrics",
    "/ready",
    "/server_info",
    "/flush_cache",
    "/healthz",
]
TRICKS = [
    "//generate",
    "/v1/embeddings/",
    "/v1//embeddings",
    "//v1/embeddings",
    "/v1/embeddings/../../generate",
    "/v1/models/../../generate",
    "/v1/models/..%2f..%2fgenerate",
    "/v1/models/%2e%2e/%2e%2e/generate",
    "/v1/models/",
    "/v1/models//generate",
    "/v1/models/.",
    "/v1/models/a/b/c/d",
    "/v1%2fembeddings",
    "/%67enerate",
    "/v1/embeddings?x=1",
    "/v1/embeddings?/../generate",
    "/v1/embeddings;/../generate",
    "/v1/embeddings#x",
    "/v1/embeddings%00",
    "/v1/embeddings%0a",
    "/V1/embeddings",
    "/v1/Embeddings",
    "\\generate",
    "/v1\\..\\generate",
    "http://search/v1/embeddings",
    "http://search/generate",
    "http://engine@search/generate",
    "*",
]


@pytest.mark.parametrize("target", [*OTHERS, *TRICKS])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_everything_else_is_refused(target: str, method: str, door: Gateway, engine: Engine) -> None:
    body = b'{"input":"a"}'
    head = f"{method} {target} HTTP/1.1\r\nHost: search\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    answer = await door.raw(head.encode() + body)
    # What is not HTTP is refused by HAProxy's parser, with its own message.
    is_http = "#" not in target and not target.startswith("\\")
    assert answer.startswith(b"HTTP/1.1 404" if is_http else b"HTTP/1.1 400"), answer
    assert engine.seen == []


async def test_embeddings_reach_an_engine(door: Gateway, engine: Engine) -> None:
    assert (await door.embed()).status == 200
    assert [request.target for request in engine.seen] == ["/v1/embeddings"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/minilm", "/v1/models/Qwen/Qwen3-Embedding-0.6B"])
async def test_models_reach_an_engine(path: str, door: Gateway, engine: Engine) -> None:
    assert (await door.ask("GET", path)).status == 200
    assert [request.target for request in engine.seen] == [path]


async def test_health_is_the_gateways_own(door: Gateway, engine: Engine) -> None:
    assert (await door.ask("GET", "/health")).status == 200
    assert engine.seen == []
    assert [line for line in door.access_log() if line["path"] == "/health" and line["method"] == "GET"] == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/embeddings", "POST"),
        ("PUT", "/v1/embeddings", "POST"),
        ("DELETE", "/v1/models/minilm", "GET"),
        ("POST", "/v1/models", "GET"),
        ("POST", "/health", "GET"),
        ("PATCH", "/health", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    method: str, path: str, allowed: str, door: Gateway, engine: Engine
) -> None:
    answer = await door.ask(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    assert answer.error["code"] == "method_not_allowed"
    assert engine.seen == []


async def test_an_unknown_path_is_told_in_openais_shape(door: Gateway) -> None:
    answer = await door.ask("POST", "/generate", b"{}")
    assert answer.status == 404
    assert answer.error["code"] == "unknown_url"
    assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("extra", ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_a_request_for_models_takes_no_body(extra: str, door: Gateway, engine: Engine) -> None:
    answer = await door.raw(f"GET /v1/models HTTP/1.1\r\nHost: search\r\nConnection: close\r\n{extra}".encode())
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert engine.seen == []
