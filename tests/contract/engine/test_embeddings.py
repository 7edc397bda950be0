"""`POST /v1/embeddings`, as clients use it."""

import base64
import math
import struct
from itertools import pairwise

import openai
import pytest

from testbed.engine.process import EngineProcess
from tests.contract.engine.client import EngineClient

pytestmark = pytest.mark.engine

DIMENSION = 384
USAGE = {
    "prompt_tokens",
    "total_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "reasoning_tokens",
    "completion_tokens_details",
}
INPUTS = {
    "text": ("river", [3]),
    "one text in a list": (["river"], [3]),
    "texts": (["river", "green water", "stone"], [3, 4, 3]),
    "token ids": ([101, 7592, 102], [3]),
    "lists of token ids": ([[101, 7592, 102], [101, 102]], [3, 2]),
}


def cosine(left: list[float], right: list[float]) -> float:
    return math.sumprod(left, right) if hasattr(math, "sumprod") else sum(map(lambda x, y: x * y, left, right))


@pytest.mark.parametrize("name", INPUTS)
async def test_every_kind_of_input_gets_its_vectors(name: str, client: EngineClient) -> None:
    given, tokens = INPUTS[name]

    answer = await client.embed(given)

    assert answer.status == 200
    assert set(answer.body) == {"data", "model", "object", "usage"}
    assert answer.body["object"] == "list"
    assert set(answer.body["usage"]) == USAGE
    assert answer.body["usage"]["prompt_tokens"] == answer.body["usage"]["total_tokens"] == sum(tokens)
    assert [entry["index"] for entry in answer.body["data"]] == list(range(len(tokens)))
    for entry in answer.body["data"]:
        assert set(entry) == {"embedding", "index", "object"}
        assert entry["object"] == "embedding"
        assert len(entry["embedding"]) == DIMENSION
        assert cosine(entry["embedding"], entry["embedding"]) == pytest.approx(1, abs=0.01)


async def test_a_text_has_one_vector_wherever_it_stands_in_a_request(client: EngineClient) -> None:
    alone = (await client.embed("green water")).body["data"][0]["embedding"]
    among_others = (await client.embed(["river", "green water", "stone"])).body["data"]

    likeness = [cosine(alone, entry["embedding"]) for entry in among_others]

    assert likeness[1] > 0.999
    assert max(likeness[0], likeness[2]) < 0.999


async def test_different_texts_have_different_vectors(client: EngineClient) -> None:
    entries = (await client.embed(["river", "stone", "light"])).body["data"]

    assert all(cosine(one["embedding"], other["embedding"]) < 0.999 for one, other in pairwise(entries))


async def test_base64_holds_the_same_single_precision_values(client: EngineClient) -> None:
    plain = (await client.embed("river")).body["data"][0]["embedding"]
    encoded = (await client.embed("river", encoding_format="base64")).body["data"][0]["embedding"]

    assert list(struct.unpack(f"<{DIMENSION}f", base64.b64decode(encoded))) == plain


async def test_the_model_asked_for_is_not_looked_at_and_the_answer_names_the_path(client: EngineClient) -> None:
    path = (await client.get("/model_info")).body["model_path"]

    answer = await client.embed("river", model="another", user="somebody", unknown=1)

    assert (answer.status, answer.body["model"]) == (200, path)


async def test_an_input_one_token_short_of_the_context_is_accepted(client: EngineClient) -> None:
    answer = await client.embed("a " * 253)

    assert (answer.status, answer.body["usage"]["prompt_tokens"]) == (200, 255)


async def test_the_openai_client_understands_the_answers(engine: EngineProcess) -> None:
    async with openai.AsyncOpenAI(base_url=f"{engine.url}/v1", api_key="none", max_retries=0) as client:
        answer = await client.embeddings.create(model="minilm", input=["river", "stone"])

    assert [len(entry.embedding) for entry in answer.data] == [DIMENSION, DIMENSION]
    assert answer.usage.prompt_tokens == 6
