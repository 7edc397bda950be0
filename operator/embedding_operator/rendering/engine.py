"""The command line of the engine: `python3 -m sglang.launch_server`, options of SGLang 0.5.23, each by its full name.

Options come from four places. Only the operator sets those that determine the identity or the safety of the engine.
For the others the operator has defaults; the args of the `GPUPool`, of `spec.engine` and of the pool's entry in
`spec.pools` follow in this order, and an option in a later place replaces the same option in an earlier one.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.model import Architecture, Dtype, Quantization
from embedding_operator.domain.model.engine_arguments import merged
from embedding_operator.domain.model.footprint import TIGHT_FRACTION, Fit
from embedding_operator.rendering.names import PORT

LAUNCH = ("python3", "-m", "sglang.launch_server")

MAX_QUEUED_REQUESTS = 1024
"""Texts that may wait; a request is refused as a whole if one of its texts does not fit."""

LATENCY_BUCKETS = ("0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10")
"""Seconds. The engine's own first bucket is 0.1, above the latency of most embeddings."""

QUIET_PATHS = ("/health", "/ready", "/metrics")

TIGHT_CHUNK = 2048
"""Tokens of one forward pass if the weights leave little memory for it."""

ENCODER_FRACTION = 0.6
"""Without chunks the engine would reserve 24 GiB for one forward pass; encoders have small weights and need less."""

CPU_TOKENS = 20_000
"""Tokens in the memory of an engine that computes on the CPU: two batches of long texts."""

Options = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCommand:
    """What one engine runs and how.

    `dimensions` are the vector sizes that clients may request; if empty, only the native one. The `gpus` of a replica
    work as one; with 0 the engine computes on the CPU. `args` are lists of further arguments; later ones take
    precedence.
    """

    model_path: str
    revision: str | None
    served_name: str
    dtype: Dtype
    architecture: Architecture
    context_length: int
    quantization: Quantization | None = None
    dimensions: tuple[int, ...] = ()
    trust_remote_code: bool = False
    gpus: int = 1
    log_level: str = "info"
    fit: Fit = Fit.ROOMY
    args: tuple[Sequence[str], ...] = ()

    def argv(self) -> tuple[str, ...]:
        """Return the arguments, without the program."""
        return (*self._identity(), *self._tuning())

    def _identity(self) -> Iterator[str]:
        yield from _option("--model-path", self.model_path)
        if self.revision is not None:
            yield from _option("--revision", self.revision)
        yield from _option("--served-model-name", self.served_name)
        yield "--is-embedding"
        yield from ("--host", "0.0.0.0", "--port", str(PORT))  # noqa: S104 (the pod's own network namespace)
        yield from ("--dtype", self.dtype)
        yield from ("--context-length", str(self.context_length))
        if self.quantization is not None:
            yield from ("--quantization", self.quantization)
        if self.dimensions:
            override = {"matryoshka_dimensions": list(self.dimensions)}
            yield from ("--json-model-override-args", json.dumps(override, separators=(",", ":")))
        if self.trust_remote_code:
            yield "--trust-remote-code"
        if self.gpus > 1:
            yield from ("--tp-size", str(self.gpus))
        yield "--enable-metrics"
        yield from ("--log-level", self.log_level)

    def _tuning(self) -> Iterator[str]:
        given = {flag: argument.tokens for flag, argument in merged(*self.args).items()}
        defaults = {flag: (flag, *values) for flag, values in self._defaults().items()}
        safety = {flag: (flag, *values) for flag, values in self._safety().items()}
        for tokens in {**defaults, **given, **safety}.values():
            yield from tokens

    def _defaults(self) -> Options:
        options: Options = {
            "--sleep-on-idle": (),
            "--max-queued-requests": (str(MAX_QUEUED_REQUESTS),),
            "--bucket-e2e-request-latency": LATENCY_BUCKETS,
            "--bucket-time-to-first-token": LATENCY_BUCKETS,
            "--uvicorn-access-log-exclude-prefixes": QUIET_PATHS,
        }
        if not self.gpus:
            options["--device"] = ("cpu",)
            # The engine would size this by the node's memory, regardless of the container's limit.
            options["--max-total-tokens"] = (str(max(CPU_TOKENS, self.context_length)),)
        if self.architecture is Architecture.ENCODER:
            options["--mem-fraction-static"] = (str(ENCODER_FRACTION),)
        elif self.fit is not Fit.ROOMY:
            options["--mem-fraction-static"] = (str(TIGHT_FRACTION),)
            options["--chunked-prefill-size"] = (str(TIGHT_CHUNK),)
        return options

    def _safety(self) -> Options:
        if self.architecture is Architecture.ENCODER:
            # Every token of an encoder attends to every other: a text that is cut into chunks or joined to a cached
            # prefix gets a different vector, without an error.
            return {"--disable-radix-cache": (), "--chunked-prefill-size": ("-1",)}
        return {}


def _option(flag: str, value: str) -> tuple[str, ...]:
    """Return an option with a free-form value; a separate value with a leading dash would be parsed as an option."""
    return (f"{flag}={value}",) if value.startswith("-") else (flag, value)
