"""What engines refuse, with which status and message."""

from typing import Any

import pytest

from tests.contract.engine.client import EngineClient
from tests.contract.engine.conftest import MAX_QUEUED

pytestmark = pytest.mark.engine

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "empty text": ({"input": ""}, "Input cannot be empty"),
    "empty list": ({"input": []}, "Input cannot be empty"),
    "white space": ({"input": "  "}, "Input cannot be empty or whitespace only"),
    "empty text among others": ({"input": ["a", ""]}, "Input at index 1 cannot be empty or whitespace only"),
    "too long": (
        {"input": "a " * 254},
        "The input (256 tokens) is longer than the model's context length (256 tokens).",
    ),
    "unknown encoding": (
        {"input": "a", "encoding_format": "hex"},
        "encoding_format must be either 'float' or 'base64', got 'hex'",
    ),
}
MALFORMED: dict[str, dict[str, Any]] = {
    "no input": {},
    "input null": {"input": None},
    "input a number": {"input": 5},
    "texts and token ids mixed": {"input": [1, "a"]},
    "dimensions not a number": {"input": "a", "dimensions": "many"},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_input_that_cannot_be_embedded_is_a_bad_request(name: str, client: EngineClient) -> None:
    document, message = REFUSED[name]

    answer = await client.post("/v1/embeddings", {"model": "minilm", **document})

    assert answer.status == 400
    assert answer.body == {
        "object": "error",
        "message": message,
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_document_is_a_bad_request(name: str, client: EngineClient) -> None:
    answer = await client.post("/v1/embeddings", {"model": "minilm", **MALFORMED[name]})

    assert_malformed(answer.status, answer.body)


@pytest.mark.parametrize(("content", "content_type"), [(b"{", "application/json"), (b'{"input": "a"}', "text/plain")])
async def test_what_is_no_json_is_a_bad_request(content: bytes, content_type: str, client: EngineClient) -> None:
    answer = await client.post_bytes("/v1/embeddings", content, content_type=content_type)

    assert_malformed(answer.status, answer.body)


async def test_shorter_vectors_are_refused_by_a_model_without_them(client: EngineClient) -> None:
    answer = await client.embed("a", dimensions=64)

    assert (answer.status, answer.body["type"]) == (400, "BadRequestError")
    assert "does not support matryoshka representation" in answer.body["message"]


async def test_more_texts_than_the_queue_takes_are_refused_together(client: EngineClient) -> None:
    answer = await client.embed(["a"] * (MAX_QUEUED + 200))

    assert answer.status == 503
    assert answer.body == {
        "object": "error",
        "message": "The request queue is full.",
        "type": "503",
        "param": None,
        "code": 503,
    }


@pytest.mark.parametrize(("path", "status"), [("/v1/embeddings", 405), ("/nothing", 404)])
async def test_what_is_not_there_has_the_frameworks_answer(path: str, status: int, client: EngineClient) -> None:
    answer = await client.get(path)

    assert answer.status == status
    assert set(answer.body) == {"detail"}


def assert_malformed(status: int, body: dict[str, object]) -> None:
    assert status == 400
    assert {**body, "message": ""} == {
        "object": "error",
        "message": "",
        "type": "Bad Request",
        "param": None,
        "code": 400,
    }
