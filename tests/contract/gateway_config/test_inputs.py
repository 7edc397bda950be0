"""Which bodies reach an engine. Token ids and empty lists crash it, so only texts are let through."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway

GOOD = [
    '{"input":"a"}',
    '{"input":["a"]}',
    '{"input":["a","b","c"]}',
    '{"model":"m","input":["a"],"encoding_format":"base64","dimensions":256,"user":"u"}',
    ' \t\r\n{ \n"input" \t: [ "a" , "b" ] , "model" : "m" }\r\n ',
    '{"input":""}',
    '{"input":["", " "]}',
    '{"input":"a quote \\" and a backslash \\\\"}',
    '{"input":["\\\\","\\\\\\"","\\u0022],[["]}',
    '{"input":"[[]]"}',
    '{"input":"\\ud83d\\ude00 \\u0069"}',
    '{"user":"\\"input\\":[[]]","input":"a"}',
    '{"model":null,"input":"a","dimensions":null,"encoding_format":null}',
    '{"input":"grüße, 世界 😀"}',
]
BAD = {
    '{"input":[1,2,3]}': "token ids",
    '{"input":[[1,2],[3]]}': "token ids",
    '{"input":[999999999]}': "token ids",
    '{"input":[[]]}': "token ids",
    '{"input":[ [ ] ]}': "token ids",
    '{"input":[]}': "empty list",
    '{"input":[ \n ]}': "empty list",
    '{"input":["a",1]}': "token ids",
    '{"input":["a",[]]}': "token ids",
    '{"input":["a",[1]]}': "token ids",
    '{"input":[{"text":"a"}]}': "token ids",
    '{"input":{"text":"a"}}': "string or a list",
    '{"input":1}': "string or a list",
    '{"input":null}': "string or a list",
    '{"input":true}': "string or a list",
    '{"input":"a","input":[[]]}': "twice",
    '{"input":[[]],"input":"a"}': "token ids",
    '{"input":"a","model":"m","model":"m"}': "twice",
    '{"input":"a","\\u0069nput":[[]]}': "accepted here",
    '{"\\u0069nput":[[]]}': "accepted here",
    '{"inp\\u0075t":"a"}': "accepted here",
    '{"model\\":":"m","input":"a"}': "accepted here",
    '{"input":"\\\\","input\\"":[[]]}': "accepted here",
    '{"user":"\\\\","input":[[]],"model":"\\\\"}': "token ids",
    '{"user":"\\"","input":[[]],"model":"\\""}': "token ids",
    '\\{"input":"a"}': "JSON",
    '{"input":"a"\\"}': "JSON",
    '{"input\\\\":"m","input":"a"}': "accepted here",
    '{"model":"m"}': "missing",
    '{"input":"a","rid":"1"}': "'rid'",
    '{"input":"a","embed_overrides":[[[0.1]]]}': "'embed_overrides'",
    '{"input":"a","lora_path":"x"}': "'lora_path'",
    '{"input":"a","Input":[[]]}': "'Input'",
    '{"input":"a","model":{"input":[[]]}}': "'model'",
    '{"input":"a","model":["m"]}': "'model'",
    "": "JSON",
    "{}": "JSON",
    "null": "JSON",
    "[]": "JSON",
    '[{"input":[[]]}]': "JSON",
    '"input"': "JSON",
    '{"input":"a"': "JSON",
    '{"input":"a}': "JSON",
    '{"input":"a\\"}': "JSON",
    '{"input":["a"': "JSON",
    '{"input":["a" "b"]}': "JSON",
    '{"input":["a",]}': "token ids",
    '{"input":"a",}': "JSON",
    '{"input":"a"}{"input":[[]]}': "JSON",
    '{"input":"a"} x': "JSON",
    '{"input":"a"}\0': "JSON",
    '{"input" "a"}': "JSON",
    "{'input':'a'}": "JSON",
    '{input:"a"}': "JSON",
    '{/**/"input":"a"}': "JSON",
    '\ufeff{"input":[[]]}': "JSON",
    '{"input":"a","model":}': "'model'",
    '{"input":"a","dimensions":1 2}': "JSON",
}
CHUNKED_HEAD = (
    b"POST /v1/embeddings HTTP/1.1\r\nHost: search\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SYNTAX = [
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b"\\",
    b"1",
    b" ",
    b"\n",
    b"\0",
    b"[]",
    b'"input":',
    b"\\u0069",
    b"",
]


@pytest.mark.parametrize("body", GOOD)
async def test_texts_reach_the_engine_as_they_are(body: str, door: Gateway, engine: Engine) -> None:
    assert (await door.ask("POST", "/v1/embeddings", body.encode())).status == 200
    assert [request.body for request in engine.seen] == [body.encode()]


@pytest.mark.parametrize("body", BAD)
async def test_everything_else_is_refused_with_a_reason(body: str, door: Gateway, engine: Engine) -> None:
    answer = await door.ask("POST", "/v1/embeddings", body.encode())
    assert answer.status == 400
    assert BAD[body] in answer.error["message"]
    assert answer.error["code"] == "invalid_input"
    assert engine.seen == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"])
async def test_other_encodings_hide_nothing(encoding: str, door: Gateway, engine: Engine) -> None:
    assert (await door.ask("POST", "/v1/embeddings", '{"input":[[]]}'.encode(encoding))).status == 400
    assert engine.seen == []


@pytest.mark.parametrize("seam", range(0, 60, 7))
async def test_chunks_hide_nothing(seam: int, door: Gateway, engine: Engine) -> None:
    body = b'{"model":"m", "input": [ "a", "b", [ ] ] , "user":"somebody"}'
    chunks = b"".join(b"%x;extension=1\r\n%s\r\n" % (len(part), part) for part in (body[:seam], body[seam:]) if part)
    answer = await door.raw(CHUNKED_HEAD + chunks + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert engine.seen == []


async def test_a_chunk_for_each_byte_is_read_whole(door: Gateway, engine: Engine) -> None:
    body = json.dumps({"input": ["x" * 2000, "y"]}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    assert (await door.raw(CHUNKED_HEAD + chunks + b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert [request.body for request in engine.seen] == [body]


@pytest.mark.parametrize("tail", ["[[]]", '["a",1]'])
async def test_what_kills_is_found_at_the_end_of_the_largest_body(tail: str, door: Gateway, engine: Engine) -> None:
    rest = '{"user":"","input":' + tail + "}"
    body = rest.replace('""', '"' + "u" * (door.config.body_limit_bytes - len(rest)) + '"', 1).encode()
    assert len(body) == door.config.body_limit_bytes
    assert (await door.ask("POST", "/v1/embeddings", body)).status == 400
    assert engine.seen == []


async def test_the_largest_body_passes(door: Gateway, engine: Engine) -> None:
    body = json.dumps({"input": "u" * (door.config.body_limit_bytes - 13)}).encode()
    assert len(body) == door.config.body_limit_bytes
    assert (await door.ask("POST", "/v1/embeddings", body)).status == 200
    assert [request.body for request in engine.seen] == [body]


async def test_a_body_that_is_hard_to_read_does_not_stop_the_others(door: Gateway) -> None:
    hard = json.dumps({"input": '"\\' * 24_000}).encode()
    hards = [door.ask("POST", "/v1/embeddings", hard) for _ in range(3)]
    answers = await asyncio.gather(*hards, *(door.embed() for _ in range(3)))
    assert [answer.status for answer in answers] == [200] * 6


async def test_the_number_of_texts_has_a_limit(door: Gateway, engine: Engine) -> None:
    assert (await door.embed({"input": ["a"] * 2048})).status == 200
    answer = await door.embed({"input": ["a"] * 2049})
    assert (answer.status, answer.error["code"]) == (400, "invalid_input")
    assert "2048 texts" in answer.error["message"]
    assert len(engine.seen) == 1


INSPECTION = "local why = refusal(txn.sf:req_body())"


@pytest.mark.parametrize("fault", ['error("failed")', "while true do end"], ids=["fails", "takes too long"])
async def test_what_was_not_inspected_reaches_no_engine(fault: str, haproxy: str) -> None:
    engine = open_engine()

    def faulty(script: str) -> str:
        assert INSPECTION in script
        return script.replace(INSPECTION, f"{INSPECTION} {fault}")

    async with running(engine), gateway(haproxy, script=faulty, inspection_timeout_seconds=1) as door:
        await door.add(engine)
        answer = await door.embed()
        assert (answer.status, answer.error["code"]) == (500, "not_inspected")
        assert engine.seen == []
        assert (await door.ask("GET", "/v1/models")).status == 200


def is_harmless(body: bytes) -> bool:
    """Return whether Python reads an object with only texts as input, or cannot read the body at all."""
    try:
        pairs = json.loads(body, object_pairs_hook=lambda members: members)
    except ValueError:
        return True
    values = [value for name, value in pairs if name == "input"]
    return len(values) == 1 and _is_texts(values[0])


def _is_texts(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)
    )


def mutated(body: bytes, *, chance: random.Random) -> bytes:
    """Return the body with a few bytes of syntax inserted, removed or replaced."""
    mutant = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(mutant) + 1)
        mutant[at : at + chance.randint(0, 2)] = chance.choice(SYNTAX)
    return bytes(mutant)


async def test_no_mutant_that_passes_is_harmful(door: Gateway, engine: Engine) -> None:
    chance = random.Random(7)
    seeds = [body.encode() for body in (*(GOOD * 8), *BAD) if body]
    passed = 0
    for _ in range(1500):
        body = mutated(chance.choice(seeds), chance=chance)
        answer = await door.ask("POST", "/v1/embeddings", body)
        assert answer.status in {200, 400}, body
        passed += answer.status == 200
        assert answer.status == 400 or is_harmless(body), body
    assert len(engine.seen) == passed > 100
