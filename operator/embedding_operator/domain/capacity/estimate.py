"""Tokens per second of one replica, before anything is measured.

    seed = MFU x peak x GPUs / (2 x parameters without the embedding table)

A forward pass takes two operations per parameter and token; MFU is the share of the peak that embedding servers were
seen to reach on a GPU generation. It is only a seed: if it is too high by a factor of two, a service starts with half
of what it needs, until the queue shows it; if it is too low by that factor, it starts with twice as much.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.status import CapacitySource
from embedding_operator.domain.model.catalog import known_model
from embedding_operator.domain.model.resolution import Capability, capability

OPERATIONS_PER_PARAMETER = 2

MFU: Mapping[Capability, float] = {
    (7, 5): 0.35,  # T4: no value published for this model size; optimistic, as the card is limited to 70 W
    (8, 0): 0.40,  # as for 8.6; no value of its own
    (8, 6): 0.40,  # A10: BGE-base at 450 requests/s of 512 tokens is about 40 TFLOPS, memory-bound there
    (8, 9): 0.31,  # L4: BGE-large at 62,100 tokens/s is 37.6 of 121 TFLOPS (Infinity's benchmark)
}
NEWER_MFU = 0.30
"""For later GPUs: tokenising and HTTP saturate before the GPU does."""

FALLBACK_TFLOPS = 65.0
"""A pool without a stated peak counts as a T4, the slowest GPU that the engine supports."""

CPU_TFLOPS = 0.2
"""For a replica on a CPU: four cores at half of the 0.1 TFLOPS that a 3 GHz core with AVX2 has in float32. Real
replicas have more or fewer cores; their capacity is learned from their load."""

FALLBACK_PARAMETERS = 440_467_456
"""An unknown model counts as Qwen3-Embedding-0.6B, the most common size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Tokens per second of one Ready replica, and the source of the value."""

    tokens_per_second: float
    source: CapacitySource


def replica_capacity(spec: EmbeddingServiceSpec, *, pool: str, gpu: GPUPoolSpec | None) -> Capacity:
    """Return the capacity of one replica of the service on `pool`; `gpu` is None if there is no such `GPUPool`."""
    stated = next((entry.tokens_per_second for entry in spec.pools if entry.gpu_pool == pool), None)
    if stated is not None:
        return Capacity(tokens_per_second=float(stated), source=CapacitySource.SPEC)
    known = known_model(spec.model)
    parameters = known.compute_parameters if known else FALLBACK_PARAMETERS
    operations = _usable_tflops(gpu) * 1e12
    return Capacity(
        tokens_per_second=operations / (OPERATIONS_PER_PARAMETER * parameters), source=CapacitySource.ESTIMATE
    )


def _usable_tflops(gpu: GPUPoolSpec | None) -> float:
    if gpu is None:
        return FALLBACK_TFLOPS * MFU[7, 5]
    generation = capability(gpu)
    if generation is None:
        return CPU_TFLOPS
    peak = FALLBACK_TFLOPS if gpu.tensor_tflops is None else float(gpu.tensor_tflops)
    return peak * gpu.gpus * _mfu(generation)


def _mfu(generation: Capability) -> float:
    # A generation that is not listed counts as the previous one.
    older = [listed for listed in MFU if listed <= generation]
    if generation > max(MFU):
        return NEWER_MFU
    return MFU[max(older)] if older else min(MFU.values())
