"""Asking an engine for the embeddings of a few fixed texts, to compare pools before one takes over from another."""

import math

import aiohttp
import structlog

from embedding_operator.domain.placement.parity import Vectors
from embedding_operator.telemetry.engine_metrics import ENDPOINT
from embedding_operator.telemetry.fetch import FetchError, fetch, read_json

TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "How many replicas does the service need at night?",
    "机器学习模型把文字变成向量。",
    "def mean(values): return sum(values) / len(values)",
)
"""Prose, a question, another script and code: a wrong dtype or pooling shows in at least one of them."""

MODEL = "probe"
"""SGLang serves one model and accepts any name for it."""

_log = structlog.get_logger(__name__)


class ParityProbe:
    """Requests embeddings from engines over `session`."""

    def __init__(self, session: aiohttp.ClientSession, *, timeout_seconds: float = 10.0) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds

    async def vectors(self, endpoint: str) -> Vectors | None:
        """Return a vector per text from the engine at the base URL `endpoint`, or None if it gave no such answer.

        Vectors are as the engine sent them, including NaN and wrong lengths: `parity` judges them.
        """
        question = {"model": MODEL, "input": list(TEXTS), "encoding_format": "float"}
        try:
            return await fetch(
                self._session, endpoint + ENDPOINT, parse=_vectors, timeout_seconds=self._timeout_seconds, body=question
            )
        except FetchError as error:
            _log.warning("no usable answer to a parity probe", endpoint=endpoint, reason=str(error))
        return None


def _vectors(content: bytes) -> Vectors:
    """Return the vectors of an OpenAI answer in the order of the texts."""
    entries = sorted(read_json(content)["data"], key=lambda entry: entry["index"])
    return tuple(tuple(_coordinate(value) for value in entry["embedding"]) for entry in entries)


def _coordinate(value: float | None) -> float:
    """Return a coordinate; JSON has no NaN, so servers write null instead."""
    return math.nan if value is None else float(value)
