"""The arguments of the engine: which ones the operator manages, which ones are permitted, and how lists are parsed.

SGLang parses its arguments with argparse, which accepts unambiguous abbreviations of options. Lists are therefore
parsed as argparse parses them, and abbreviations of options that matter here are refused like the options themselves.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from embedding_operator.domain.model.engine_options import OF_SERVICES, REASONS

_ADDRESS = "the Service and the probes depend on it"
_FOLLOWS_GPUS = "it follows resource.count of the GPUPool"
_MODEL = "set spec.model.huggingFace, spec.model.volume or spec.model.image"
_ONE_POD = "a replica is one pod"
_PLAIN_HTTP = "probes, metrics and the Service need plain HTTP"
_REPLICAS = "set maxReplicas of the pool"
_VISIBLE = "anyone who can read pods could see it"

MANAGED: dict[str, str] = {
    "--model-path": _MODEL,
    "--model": _MODEL,
    "--revision": "set spec.model.huggingFace.revision",
    "--served-model-name": "set spec.model.servedName",
    "--dtype": "set spec.model.dtype",
    "--context-length": "set spec.model.contextLength",
    "--quantization": "set spec.model.quantization",
    "--json-model-override-args": "set spec.model.dimensions",
    "--trust-remote-code": "set spec.model.trustRemoteCode",
    "--log-level": "set spec.engine.logLevel",
    "--is-embedding": "it is always on",
    "--enable-metrics": "it is always on, as scaling needs metrics",
    "--tp-size": _FOLLOWS_GPUS,
    "--tensor-parallel-size": _FOLLOWS_GPUS,
    "--pp-size": _FOLLOWS_GPUS,
    "--pipeline-parallel-size": _FOLLOWS_GPUS,
    "--dp-size": _REPLICAS,
    "--data-parallel-size": _REPLICAS,
    "--nnodes": _ONE_POD,
    "--node-rank": _ONE_POD,
    "--dist-init-addr": _ONE_POD,
    "--nccl-init-addr": _ONE_POD,
    "--host": _ADDRESS,
    "--port": _ADDRESS,
    "--fastapi-root-path": _ADDRESS,
    "--enable-http2": _PLAIN_HTTP,
    "--grpc-mode": _PLAIN_HTTP,
    "--smg-grpc-mode": _PLAIN_HTTP,
    "--ssl-keyfile": _PLAIN_HTTP,
    "--ssl-certfile": _PLAIN_HTTP,
    "--ssl-ca-certs": _PLAIN_HTTP,
    "--ssl-keyfile-password": _PLAIN_HTTP,
    "--enable-ssl-refresh": _PLAIN_HTTP,
    "--api-key": _VISIBLE,
    "--admin-api-key": _VISIBLE,
    "--config": "a file could set what the operator manages: pass the options as args",
    "--help": "the engine would print its options and exit",
}
"""Options that determine the identity or the safety of the engine, refused everywhere; with what to do instead."""

TUNED = frozenset(
    {
        "--bucket-e2e-request-latency",
        "--bucket-time-to-first-token",
        "--chunked-prefill-size",
        "--disable-radix-cache",
        "--max-queued-requests",
        "--max-total-tokens",
        "--mem-fraction-static",
        "--sleep-on-idle",
        "--uvicorn-access-log-exclude-prefixes",
    }
)
"""Options that the operator sets or reads and that users may set, but only by their full name."""

MAX_QUOTE = 80
"""Characters of an argument that a message repeats."""

_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")
_NUMBER = re.compile(r"(?P<digits>\d+(\.\d+)?|\.\d+)(?P<unit>Ki|Mi|Gi|Ti|k|M|G|T)?")
_THOUSANDS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_MULTIPLES = {**_THOUSANDS, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An option with its values. `flag` is empty for values without a preceding option."""

    flag: str
    tokens: tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """Return the values, of both `--flag=value` and `--flag value`."""
        if not self.flag:
            return self.tokens
        _, equals, value = self.tokens[0].partition("=")
        return (value, *self.tokens[1:]) if equals else self.tokens[1:]


def parse(args: Iterable[str]) -> tuple[Argument, ...]:
    """Return the options in `args`, each with the values that follow it."""
    groups: list[list[str]] = []
    for token in args:
        if _is_option(token) or not groups:
            groups.append([token])
        else:
            groups[-1].append(token)
    return tuple(
        Argument(flag=group[0].partition("=")[0] if _is_option(group[0]) else "", tokens=tuple(group))
        for group in groups
    )


def _is_option(token: str) -> bool:
    return token.startswith("-") and _NEGATIVE_NUMBER.fullmatch(token) is None


def refusal(argument: Argument) -> str | None:
    """Return why `argument` may not be passed to the engine, or None if it may."""
    flag = argument.flag
    if len(flag) <= len("--") or not flag.startswith("--"):
        return f"{_quoted(argument.tokens[0])} is not an option of the engine: write --option value"
    if flag in TUNED:
        return None
    if (managed := _meant(flag, names=MANAGED)) is not None:
        spelling = "" if managed == flag else f" ({flag} is short for it)"
        return f"{managed} is managed by the operator{spelling}: {MANAGED[managed]}"
    if (tuned := _meant(flag, names=sorted(TUNED))) is not None:
        return f"{flag} is an abbreviation of {tuned}: write the full name"
    return None


def service_refusal(argument: Argument) -> str | None:
    """Return why a service may not pass `argument` to the engine, or None if it may."""
    managed, flag = refusal(argument), argument.flag
    if managed is not None or flag in OF_SERVICES:
        return managed
    if flag in REASONS:
        return f"{flag} may only be set in a GPUPool: {REASONS[flag]}"
    return (
        f"{_quoted(flag)} is not among the options that services may set: write its full name, or set it in a GPUPool"
    )


def of_service(args: Iterable[str]) -> tuple[str, ...]:
    """Return `args` without the options that a service may not set."""
    return tuple(token for each in parse(args) if service_refusal(each) is None for token in each.tokens)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 3] + "...")


def _meant(flag: str, *, names: Iterable[str]) -> str | None:
    candidates = [name for name in names if name.startswith(flag)]
    return flag if flag in candidates else next(iter(candidates), None)


def merged(*lists: Sequence[str]) -> dict[str, Argument]:
    """Return the permitted options of all lists by flag; those in later lists replace those in earlier ones."""
    return {argument.flag: argument for args in lists for argument in parse(args) if refusal(argument) is None}


def number(argument: Argument | None) -> float | None:
    """Return the value of an option that takes one number, such as `0.8`, `20000` or `64k`, or None if it has none."""
    if argument is None or len(argument.values) != 1:
        return None
    match = _NUMBER.fullmatch(argument.values[0].strip())
    return float(match["digits"]) * _MULTIPLES[match["unit"] or ""] if match else None
