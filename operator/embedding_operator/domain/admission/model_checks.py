"""Checks that the model can run on the pools as specified, and returns correct vectors."""

from collections.abc import Iterator, Mapping, Sequence

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.model import Architecture, Dtype, Quantization
from embedding_operator.domain.admission.case import Case, Problem
from embedding_operator.domain.model.catalog import pools_by_mean
from embedding_operator.domain.model.footprint import Fit, footprint
from embedding_operator.domain.model.resolution import BFLOAT16_CAPABILITY, Capability, capability

QUANTIZATION_CAPABILITY: Mapping[Quantization, Capability] = {
    Quantization.AWQ: (7, 5),
    Quantization.AWQ_MARLIN: (8, 0),
    Quantization.GPTQ_MARLIN: (8, 0),
    Quantization.FP8: (8, 0),
    Quantization.W8A8_INT8: (7, 5),
    Quantization.W8A8_FP8: (8, 9),
    Quantization.BITSANDBYTES: (7, 0),
    Quantization.GGUF: (6, 0),
    Quantization.COMPRESSED_TENSORS: (7, 0),
}
"""The lowest compute capability for which SGLang 0.5.23 has kernels for a method."""

_SIXTEEN_BIT = frozenset({Dtype.FLOAT16, Dtype.BFLOAT16})
QUANTIZATION_DTYPES: Mapping[Quantization, frozenset[Dtype]] = {
    Quantization.AWQ: frozenset({Dtype.FLOAT16}),
    Quantization.AWQ_MARLIN: _SIXTEEN_BIT,
    Quantization.GPTQ_MARLIN: _SIXTEEN_BIT,
    Quantization.FP8: _SIXTEEN_BIT,
    Quantization.W8A8_INT8: _SIXTEEN_BIT,
    Quantization.W8A8_FP8: _SIXTEEN_BIT,
    Quantization.COMPRESSED_TENSORS: _SIXTEEN_BIT,
}
"""The activation formats that the kernels of a method accept; methods that are not listed accept all."""


def mean_pooling(case: Case) -> Iterator[Problem]:
    """Refuse models that the engine would pool differently from how they were trained."""
    if pools_by_mean(case.spec.model):
        yield Problem(
            reason=Reason.UNSUPPORTED_POOLING,
            field="spec.model.huggingFace.repo",
            message="the model averages the vectors of all tokens, but the engine would take that of the first and "
            "return wrong vectors: use a model with last-token or CLS pooling, such as Qwen3-Embedding or BGE",
        )


def wrong_architecture(case: Case) -> Iterator[Problem]:
    """Refuse to run a known encoder as a decoder."""
    encoder = case.known is not None and case.known.architecture is Architecture.ENCODER
    if encoder and case.resolved.architecture is Architecture.DECODER:
        yield Problem(
            reason=Reason.INVALID_SPEC,
            field="spec.model.architecture",
            message="the model is an encoder and would return wrong vectors as a decoder: use Auto or Encoder",
        )


def dtype_on_gpu(case: Case) -> Iterator[Problem]:
    """Refuse number formats that the GPU of a pool lacks: the engine would silently use another one."""
    for use in case.uses():
        found = capability(use.gpu)
        if found is not None and found < BFLOAT16_CAPABILITY and case.resolved.dtype is not Dtype.FLOAT16:
            yield _dtype_problem(
                f"GPUPool {use.name} has compute capability {use.gpu.compute_capability}, where the engine computes "
                "in float16 regardless of dtype: use Auto or float16, or remove the pool"
            )


def dtype_of_model(case: Case) -> Iterator[Problem]:
    """Refuse number formats that the model or its quantisation does not support."""
    dtype = case.resolved.dtype
    if case.known is not None and not case.known.float16 and dtype is Dtype.FLOAT16:
        yield _dtype_problem(
            f"{case.known.repository} overflows in float16: use bfloat16, on pools of compute capability 8.0 or higher"
        )
    method = case.spec.model.quantization
    if method is not None and dtype not in QUANTIZATION_DTYPES.get(method, Dtype):
        allowed = " or ".join(sorted(QUANTIZATION_DTYPES[method]))
        yield _dtype_problem(f"{method} does not compute in {dtype}: use Auto or {allowed}")


def _dtype_problem(message: str) -> Problem:
    return Problem(reason=Reason.DTYPE_UNSUPPORTED, field="spec.model.dtype", message=message)


def quantization_on_gpu(case: Case) -> Iterator[Problem]:
    """Refuse quantisation methods that have no kernel for the GPU of a pool, and all methods on CPUs."""
    method = case.spec.model.quantization
    if method is None:
        return
    needed = QUANTIZATION_CAPABILITY[method]
    for use in case.uses():
        found = capability(use.gpu)
        if found is None:
            yield Problem(
                reason=Reason.QUANTIZATION_UNSUPPORTED,
                field="spec.model.quantization",
                message=f"GPUPool {use.name} computes on the CPU, where quantised models are not supported: remove "
                "quantization or the pool",
            )
        elif found < needed:
            yield Problem(
                reason=Reason.QUANTIZATION_UNSUPPORTED,
                field="spec.model.quantization",
                message=f"{method} needs compute capability {needed[0]}.{needed[1]}, but GPUPool {use.name} has "
                f"{use.gpu.compute_capability}: use another method or remove the pool",
            )


def dimensions(case: Case) -> Iterator[Problem]:
    """Refuse vector sizes to which the model's vectors cannot be truncated."""
    if case.known is None:
        return
    native, name = case.known.dimension, case.known.repository
    others = sorted(size for size in case.spec.model.dimensions if size != native)
    if others and not case.known.matryoshka:
        yield _dimensions_problem(
            f"{name} was not trained for truncation and has {native} dimensions: remove {_listed(others)}"
        )
    elif too_large := [size for size in others if size > native]:
        yield _dimensions_problem(f"{name} has only {native} dimensions: remove {_listed(too_large)}")


def _dimensions_problem(message: str) -> Problem:
    return Problem(reason=Reason.INVALID_SPEC, field="spec.model.dimensions", message=message)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def memory(case: Case) -> Iterator[Problem]:
    """Refuse pools whose GPUs cannot hold the weights and one input of maximum length."""
    if case.known is None:
        return
    for use in case.uses():
        need = footprint(
            case.known,
            gpu=use.gpu,
            dtype=case.resolved.dtype,
            quantization=case.spec.model.quantization,
            context_length=case.resolved.context_length,
            args=case.args_on(use),
        )
        if need.fit is Fit.TOO_LARGE:
            yield Problem(
                reason=Reason.MODEL_TOO_LARGE,
                field=f"{use.field}.gpuPool",
                message=f"the weights take {need.weights:.1f} GiB and one input of {case.resolved.context_length} "
                f"tokens takes {need.cache:.1f} GiB, but a replica on {use.name} has only "
                f"{need.memory * need.fraction:.1f} GiB for both: use a smaller or quantised model, a lower "
                "contextLength or a larger pool",
            )
