"""Resolves `Auto` and the defaults of `spec.model`, given the GPUs that the service may run on.

All pools of a service must compute the same vectors. On GPUs below compute capability 8.0, SGLang always computes in
float16, so a service with such a pool runs in float16 everywhere. A service that has only CPUs runs in float32, as most
CPUs emulate the shorter formats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import Architecture, Dtype, ModelSpec, Quantization
from embedding_operator.domain.model.catalog import KnownModel, known_model

Capability = tuple[int, int]

BFLOAT16_CAPABILITY: Capability = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """The model settings of all engines of a service; the same on every pool.

    `revision` is None for models on a volume or in an image. `dimensions` are the sizes that clients may request,
    including the native one if it is known; empty if it is not known and the spec sets none. `context_length` is at
    most what the model supports: the engine would refuse to start with more.
    """

    served_name: str
    revision: str | None
    dtype: Dtype
    architecture: Architecture
    dimensions: tuple[int, ...]
    context_length: int


def resolve_model(name: str, spec: EmbeddingServiceSpec, pools: Mapping[str, GPUPoolSpec]) -> ResolvedModel:
    """Return the model of the service `name`; `pools` holds the `GPUPool`s of the cluster, by name."""
    model = spec.model
    known = known_model(model)
    gpus = [pools[entry.gpu_pool] for entry in spec.pools if entry.gpu_pool in pools]
    return ResolvedModel(
        served_name=model.served_name or name,
        revision=None if model.hugging_face is None else model.hugging_face.revision,
        dtype=_dtype(model, gpus=gpus),
        architecture=_architecture(model, known=known),
        dimensions=_dimensions(model, known=known),
        context_length=min(model.context_length, known.max_context) if known else model.context_length,
    )


def capability(gpu: GPUPoolSpec) -> Capability | None:
    """Return the compute capability as comparable numbers, or None for engines that compute on the CPU."""
    if gpu.compute_capability is None or not gpu.gpus:
        return None
    major, _, minor = gpu.compute_capability.partition(".")
    return int(major), int(minor)


def _dtype(model: ModelSpec, *, gpus: Sequence[GPUPoolSpec]) -> Dtype:
    if model.dtype is not Dtype.AUTO:
        return model.dtype
    if model.quantization is Quantization.AWQ:
        return Dtype.FLOAT16  # its kernel supports no other
    capabilities = [found for gpu in gpus if (found := capability(gpu)) is not None]
    if gpus and not capabilities:
        return Dtype.FLOAT32
    below = any(each < BFLOAT16_CAPABILITY for each in capabilities)
    return Dtype.FLOAT16 if below else Dtype.BFLOAT16


def _architecture(model: ModelSpec, *, known: KnownModel | None) -> Architecture:
    if model.architecture is not Architecture.AUTO:
        return model.architecture
    return known.architecture if known else Architecture.DECODER


def _dimensions(model: ModelSpec, *, known: KnownModel | None) -> tuple[int, ...]:
    native = {known.dimension} if known else set()
    return tuple(sorted(native | set(model.dimensions)))
