"""Bodies of responses to embedding requests."""

from __future__ import annotations

import base64
import math
import sys
from array import array

from .embedding_request import EmbeddingRequest, Encoding
from .faults import Fault
from .settings import Settings
from .tokens import count_tokens
from .vectors import shortened, vector_of


def embeddings(request: EmbeddingRequest, *, settings: Settings, faults: frozenset[Fault]) -> dict[str, object]:
    """Return the body of the response to a request, its vectors altered by the faults."""
    tokens = sum(map(count_tokens, request.texts))
    vectors = [_garbled(_vector(text, request=request, settings=settings), faults=faults) for text in request.texts]
    return {
        "data": [
            {"embedding": _encoded(vector, request.encoding), "index": index, "object": "embedding"}
            for index, vector in enumerate(vectors)
        ],
        "model": settings.engine.model_path,
        "object": "list",
        "usage": {
            "prompt_tokens": tokens,
            "total_tokens": tokens,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
            "reasoning_tokens": 0,
            "completion_tokens_details": None,
        },
    }


def _vector(text: str | tuple[int, ...], *, request: EmbeddingRequest, settings: Settings) -> array[float]:
    vector = vector_of(text, space=settings.vector_space, dimension=settings.behaviour.dimension)
    return vector if request.dimensions is None else shortened(vector, dimension=request.dimensions)


def _garbled(vector: array[float], *, faults: frozenset[Fault]) -> array[float]:
    if Fault.NAN_VECTORS in faults:
        vector = array("f", [math.nan] * len(vector))
    return vector[:-1] if Fault.WRONG_DIMENSION in faults else vector


def _encoded(vector: array[float], encoding: Encoding) -> str | list[float | None]:
    if encoding is Encoding.FLOAT:
        return [None if math.isnan(value) else value for value in vector]
    little_endian = array("f", vector)
    if sys.byteorder == "big":
        little_endian.byteswap()
    return base64.b64encode(little_endian.tobytes()).decode()
