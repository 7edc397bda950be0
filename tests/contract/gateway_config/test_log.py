"""The access log: a line of JSON for each request, without secrets or texts of the client."""

from __future__ import annotations

import pytest

from tests.contract.gateway_config.engines import Engine
from tests.contract.gateway_config.gateway import Gateway

FIELDS = {
    "time",
    "service",
    "request_id",
    "client",
    "method",
    "path",
    "status",
    "receive_ms",
    "held_ms",
    "queue_ms",
    "connect_ms",
    "engine_ms",
    "total_ms",
    "engine",
    "retries",
    "request_bytes",
    "response_bytes",
    "end",
}


async def test_a_request_is_one_line(door: Gateway, engine: Engine) -> None:
    before = len(door.access_log())
    answer = await door.embed({"input": "nobody may read this"}, Authorization="Bearer nor-this", X_Other="nor that")
    line = (await door.logged(before + 1))[-1]
    assert line.keys() == FIELDS
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["service"], line["method"], line["path"]) == ("team/search", "POST", "/v1/embeddings")
    assert (line["status"], line["engine"], line["retries"], line["held_ms"]) == (200, "engine-a", "0", "-")
    assert line["response_bytes"] > 0
    assert line["request_bytes"] > len("nobody may read this")
    numbers = [line[name] for name in FIELDS if name.endswith(("_ms", "_bytes")) and name != "held_ms"]
    assert all(isinstance(number, int) for number in numbers)
    text = (door.folder / "log").read_text(encoding="utf-8")
    assert not any(secret in text for secret in ("nobody", "nor-this", "nor that"))


@pytest.mark.parametrize(
    "request_line",
    [
        b'POST /a"b\\c HTTP/1.1',
        b"POST /v1/embeddings?api_key=hidden HTTP/1.1",
        b"POST /\xc3\xa4\xff HTTP/1.1",
        b"POST /" + b"long" * 1000 + b" HTTP/1.1",
        b"P'OST / HTTP/1.1",
        b"POST /%s HTTP/1.1",
        b"nonsense",
        b'POST /%22,"x":"\x01 HTTP/1.1',
    ],
)
async def test_a_hostile_request_stays_one_line(request_line: bytes, door: Gateway) -> None:
    before = len(door.access_log())
    await door.raw(request_line + b"\r\nHost: search\r\nConnection: close\r\n\r\n", seconds=2)
    line = (await door.logged(before + 1))[-1]
    assert line.keys() == FIELDS
    assert line["status"] in {400, 404}
    assert len(line["path"]) <= 200
    assert "hidden" not in (door.folder / "log").read_text(encoding="utf-8")
