"""The body of `POST /v1/embeddings`: what is accepted, what is refused and how, and what crashes the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .settings import EngineSettings
from .tokens import count_tokens

Text = str | tuple[int, ...]


class Encoding(Enum):
    """How vectors are encoded in the response."""

    FLOAT = "float"
    BASE64 = "base64"


class RefusalError(Exception):
    """A response with an error status and the engine's error document."""

    def __init__(self, status: int, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    @property
    def document(self) -> dict[str, object]:
        """Body of the response."""
        return {"object": "error", "message": str(self), "type": self.kind, "param": None, "code": self.status}


class LethalInputError(Exception):
    """An input that crashes the real engine: it accepts the input and fails in the model."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed, in order, and the format of the response; `dimensions` is None for the model's own."""

    texts: tuple[Text, ...]
    encoding: Encoding
    dimensions: int | None


def read_request(
    body: bytes, *, content_type: str, engine: EngineSettings, dimension: int, vocabulary_size: int
) -> EmbeddingRequest:
    """Return the request in a body; raise `RefusalError` if the engine returns 400, `LethalInputError` if it dies."""
    document = _document(body, content_type=content_type)
    texts = _texts(document)
    for text in texts:
        tokens = count_tokens(text)
        if tokens >= engine.context_length:
            limit = engine.context_length
            message = f"The input ({tokens} tokens) is longer than the model's context length ({limit} tokens)."
            raise _bad(message)
    request = EmbeddingRequest(
        texts=texts,
        encoding=_encoding(document.get("encoding_format", "float")),
        dimensions=_dimensions(document.get("dimensions"), engine=engine, dimension=dimension),
    )
    for text in texts:
        if isinstance(text, tuple) and (not text or not all(0 <= token < vocabulary_size for token in text)):
            raise LethalInputError
    return request


def _document(body: bytes, *, content_type: str) -> dict[str, Any]:
    if content_type != "application/json":
        raise _malformed("header", "content-type", "Unsupported Media Type: Only 'application/json' is allowed")
    try:
        document = json.loads(body)
    except ValueError as error:
        raise _malformed("body", "", "JSON decode error") from error
    if not isinstance(document, dict):
        raise _malformed("body", "", "Input should be a valid dictionary")
    if "input" not in document:
        raise _malformed("body", "input", "Field required")
    return document


def _texts(document: dict[str, Any]) -> tuple[Text, ...]:
    match document["input"]:
        case str() as text:
            return (_checked(text),)
        case []:
            raise _bad("Input cannot be empty")
        case [*items] if all(isinstance(item, str) for item in items):
            return tuple(_checked(text, place=f" at index {index}") for index, text in enumerate(items))
        case [*items] if all(_is_token(item) for item in items):
            return (tuple(items),)
        case [*items] if all(isinstance(item, list) and all(map(_is_token, item)) for item in items):
            return tuple(tuple(item) for item in items)
        case _:
            raise _malformed("body", "input", "Input should be a string, strings, token ids or lists of token ids")


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked(text: str, *, place: str = "") -> str:
    if not text and not place:
        raise _bad("Input cannot be empty")
    if not text.strip():
        message = f"Input{place} cannot be empty or whitespace only"
        raise _bad(message)
    return text


def _encoding(name: object) -> Encoding:
    try:
        return Encoding(name)
    except ValueError as error:
        message = f"encoding_format must be either 'float' or 'base64', got {name!r}"
        raise _bad(message) from error


def _dimensions(asked: object, *, engine: EngineSettings, dimension: int) -> int | None:
    if asked is None:
        return None
    if not isinstance(asked, int):
        raise _malformed("body", "dimensions", "Input should be a valid integer")
    allowed = engine.matryoshka.dimensions
    name = f"Model '{engine.model_path}'"
    if not engine.matryoshka.enabled:
        poor = "does not support matryoshka representation, changing output dimensions will lead to poor results."
        message = f"{name} {poor}"
        raise _bad(message)
    if asked < 1:
        raise _bad("Requested dimensions must be greater than 0")
    if allowed and asked not in allowed:
        poor = "matryoshka dimensions, using other output dimensions will lead to poor results."
        message = f"{name} only supports {list(allowed)} {poor}"
        raise _bad(message)
    if asked > dimension:
        message = f"Provided dimensions are greater than max embedding dimension: {dimension}"
        raise _bad(message)
    return asked


def _bad(message: str) -> RefusalError:
    return RefusalError(400, message, kind="BadRequestError")


def _malformed(place: str, name: str, message: str) -> RefusalError:
    location = (place, name) if name else (place,)
    return RefusalError(400, f"1 validation error:\n  {{'loc': {location}, 'msg': '{message}'}}", kind="Bad Request")
