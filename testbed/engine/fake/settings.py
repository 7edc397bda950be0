"""Settings of a fake engine: the real engine's command line, and `FAKE_ENGINE_*` variables.

The command line may be any that SGLang accepts: options without a meaning here are ignored. The variables replace what
hardware and model determine for the real engine, and set the initial faults.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import Fault

PREFIX = "FAKE_ENGINE_"
SHARED_ADDRESS = "*"
"""Key of the only replica of an engine that does not distinguish addresses, and of what applies to all addresses."""

DEFAULT_CONTEXT_LENGTH = 512
DEFAULT_MAX_TOTAL_TOKENS = 65536
DEFAULT_MAX_PREFILL_TOKENS = 16384
DEFAULT_MAX_RUNNING_REQUESTS = 4096
DEFAULT_KEEP_ALIVE_SECONDS = 5.0


class SettingsError(ValueError):
    """A variable that does not exist or has an invalid value."""


@dataclass(frozen=True, slots=True)
class Matryoshka:
    """Shorter vectors that a client may request: none, any, or those in `dimensions`."""

    enabled: bool = False
    dimensions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Options of the real engine's command line that this engine honors."""

    model_path: str
    served_model_name: str
    host: str
    port: int
    context_length: int
    max_total_tokens: int
    max_running_requests: int
    tokens_per_batch: int
    max_queued_requests: int | None
    api_key: str | None
    metrics_enabled: bool
    matryoshka: Matryoshka


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a model on its hardware determines. A batch of n tokens takes max(floor, base + n·per token) seconds.

    `frontend_seconds_per_text` is spent on one text after the other before it reaches the queue: an engine that is
    limited by it has many requests in flight and none waiting. `vector_space` defaults to the model path: engines of
    one model agree on every vector, engines of two models on none. An engine that is `named` sends the name of its host
    in a response header, which the real one does not.
    """

    start_delay_seconds: float = 0.0
    ready_delay_seconds: float = 0.2
    base_seconds: float = 0.005
    seconds_per_token: float = 0.00002
    floor_seconds: float = 0.01
    frontend_seconds_per_text: float = 0.0
    health_seconds: float = 1.0
    drain_poll_seconds: float = 5.0
    slow_metrics_seconds: float = 10.0
    dimension: int = 384
    vocabulary_size: int = 30522
    vector_space: str = ""
    per_address: bool = False
    scripted: bool = False
    named: bool = False
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a fake engine."""

    engine: EngineSettings
    behaviour: Behaviour
    keep_alive_seconds: float = DEFAULT_KEEP_ALIVE_SECONDS

    @property
    def vector_space(self) -> str:
        """Name of the vector space of the texts."""
        return self.behaviour.vector_space or self.engine.model_path


def read_settings(argv: Sequence[str], *, environment: Mapping[str, str]) -> Settings:
    """Return the settings from a command line and the environment; raise `SettingsError` for an invalid variable."""
    options, _ = _parser().parse_known_args(list(argv))
    behaviour = _behaviour(environment)
    return Settings(
        engine=_engine(options),
        behaviour=dataclasses.replace(
            behaviour,
            per_address=behaviour.per_address or options.per_address,
            scripted=behaviour.scripted or options.scripted,
        ),
        keep_alive_seconds=float(environment.get("SGLANG_TIMEOUT_KEEP_ALIVE", DEFAULT_KEEP_ALIVE_SECONDS)),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sglang.launch_server", description=__doc__, allow_abbrev=False)
    parser.add_argument("--model-path", "--model", default="fake")
    parser.add_argument("--served-model-name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=30000)
    parser.add_argument("--context-length", type=int, default=DEFAULT_CONTEXT_LENGTH)
    parser.add_argument("--max-total-tokens", type=int, default=DEFAULT_MAX_TOTAL_TOKENS)
    parser.add_argument("--max-prefill-tokens", type=int, default=DEFAULT_MAX_PREFILL_TOKENS)
    parser.add_argument("--chunked-prefill-size", type=int, default=-1)
    parser.add_argument("--max-running-requests", type=int, default=DEFAULT_MAX_RUNNING_REQUESTS)
    parser.add_argument("--max-queued-requests", type=int)
    parser.add_argument("--json-model-override-args", type=json.loads, default={})
    parser.add_argument("--api-key")
    parser.add_argument("--enable-metrics", action="store_true")
    parser.add_argument("--per-address", action="store_true", help="serve a separate engine on every local address")
    parser.add_argument("--scripted", action="store_true", help="report the values set with POST /script")
    return parser


def _engine(options: argparse.Namespace) -> EngineSettings:
    chunk = options.chunked_prefill_size
    dimensions = tuple(options.json_model_override_args.get("matryoshka_dimensions", ()))
    return EngineSettings(
        model_path=options.model_path,
        served_model_name=options.served_model_name or options.model_path,
        host=options.host,
        port=options.port,
        context_length=options.context_length,
        max_total_tokens=options.max_total_tokens,
        max_running_requests=options.max_running_requests,
        tokens_per_batch=min(chunk, options.max_prefill_tokens) if chunk > 0 else options.max_prefill_tokens,
        max_queued_requests=options.max_queued_requests,
        api_key=options.api_key,
        metrics_enabled=options.enable_metrics,
        matryoshka=Matryoshka(
            enabled=bool(dimensions) or bool(options.json_model_override_args.get("is_matryoshka")),
            dimensions=dimensions,
        ),
    )


def _behaviour(environment: Mapping[str, str]) -> Behaviour:
    defaults = {field.name: field.default for field in dataclasses.fields(Behaviour)}
    given: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in defaults:
            known = ", ".join(PREFIX + known.upper() for known in sorted(defaults))
            message = f"{variable} is not known; known variables: {known}"
            raise SettingsError(message)
        try:
            given[name] = _value(text, like=defaults[name])
        except ValueError as error:
            message = f"{variable}={text!r}: {error}"
            raise SettingsError(message) from error
    return Behaviour(**given)


def _value(text: str, *, like: object) -> object:
    match like:
        case bool():
            return _flag(text)
        case int():
            return int(text)
        case float():
            return float(text)
        case tuple():
            return tuple(Fault(name) for name in text.split(",") if name)
        case _:
            return text


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        message = "must be true or false"
        raise ValueError(message)
    return text.lower() == "true"
