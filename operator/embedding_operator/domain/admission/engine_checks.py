"""Checks that arguments, variables and resources do not touch what the operator manages, and keep the engine safe."""

from collections.abc import Callable, Iterator, Sequence

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.kubernetes_types import EnvVar
from embedding_operator.api.v1alpha1.model import Architecture
from embedding_operator.domain.admission.case import Case, Problem
from embedding_operator.domain.model.engine_arguments import (
    merged,
    number,
    parse,
    refusal,
    service_refusal,
)
from embedding_operator.domain.model.engine_variables import managed_refusal, variable_refusal


def managed_arguments(case: Case) -> Iterator[Problem]:
    """Refuse options that the operator manages, and in services those that only a `GPUPool` may set."""
    for refused, lists in ((service_refusal, _service_args(case)), (refusal, _pool_args(case))):
        for field, args in lists:
            for argument in parse(args):
                if (message := refused(argument)) is not None:
                    yield _problem(field, message)


def chunked_encoder(case: Case) -> Iterator[Problem]:
    """Refuse chunked prefill for encoders. A pool may set it for decoders: rendering an encoder leaves it out."""
    if case.resolved.architecture is not Architecture.ENCODER:
        return
    for field, args in _service_args(case):
        chunked = merged(args).get("--chunked-prefill-size")
        if chunked is not None and chunked.values != ("-1",):
            yield _problem(
                field,
                "an encoder returns wrong vectors for texts processed in chunks: remove --chunked-prefill-size",
            )


def token_pool(case: Case) -> Iterator[Problem]:
    """Refuse a token pool that is smaller than the longest input: such an input blocks the engine forever."""
    for use in case.uses():
        limit = number(merged(*case.args_on(use)).get("--max-total-tokens"))
        if limit is not None and limit < case.resolved.context_length:
            yield _problem(
                "spec.model.contextLength",
                f"inputs may have {case.resolved.context_length} tokens, but --max-total-tokens on {use.name} is "
                f"{limit:.0f} and a longer input blocks the engine: lower contextLength or raise --max-total-tokens",
            )


def managed_variables(case: Case) -> Iterator[Problem]:
    """Refuse variables that the operator manages, and in services those that only a `GPUPool` may set."""
    yield from _refused("spec.engine.env", case.spec.engine.env, by=variable_refusal)
    for field, entry in case.entries():
        yield from _refused(f"{field}.env", entry.env, by=variable_refusal)
    for use in case.uses():
        yield from _refused(f"GPUPool/{use.name} spec.engine.env", use.gpu.engine.env, by=managed_refusal)


def requested_gpus(case: Case) -> Iterator[Problem]:
    """Refuse GPUs in the engine's resources: their number is set by the pool."""
    resources = case.spec.engine.resources
    for name in sorted({use.gpu.resource.name for use in case.uses() if use.gpu.gpus}):
        if name in resources.requests or name in resources.limits:
            yield _problem("spec.engine.resources", f"{name} is set by resource.count of the GPUPool: remove it")


def _service_args(case: Case) -> Iterator[tuple[str, Sequence[str]]]:
    yield "spec.engine.args", case.spec.engine.args
    for field, entry in case.entries():
        yield f"{field}.args", entry.args


def _pool_args(case: Case) -> Iterator[tuple[str, Sequence[str]]]:
    for use in case.uses():
        yield f"GPUPool/{use.name} spec.engine.args", use.gpu.engine.args


def _refused(field: str, env: Sequence[EnvVar], *, by: Callable[[str], str | None]) -> Iterator[Problem]:
    for variable in env:
        if (message := by(variable.name)) is not None:
            yield _problem(field, message)


def _problem(field: str, message: str) -> Problem:
    return Problem(reason=Reason.ENGINE_ARGUMENT_REFUSED, field=field, message=message)
