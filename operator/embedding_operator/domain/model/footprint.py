"""How much GPU memory a known model takes, and whether that is little, much or too much for a pool.

    weights = (table + compute x share) x 2 bytes       table, compute: parameters; share: size after quantisation
    cache   = contextLength x bytes per token           one input of maximum length must fit, or the engine hangs
    usable  = memory of all GPUs x fraction

Tensor parallelism splits weights and cache evenly over the GPUs of a replica.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import Dtype, Quantization
from embedding_operator.domain.model.catalog import KnownModel
from embedding_operator.domain.model.engine_arguments import merged, number

GIB = 1024**3

TIGHT_FRACTION = 0.88
"""Share of the memory for weights and cache if they need much of it; the rest holds one forward pass."""

ROOMY_FRACTION = 0.60
"""Below this share the engine's own default, 0.68 on a GPU of 22 GiB and more on larger ones, leaves enough cache."""

_SHARES: Mapping[Quantization, float] = {
    # Four bits plus scales; for formats with several widths the smallest, so that no model that fits is refused.
    Quantization.AWQ: 0.29,
    Quantization.AWQ_MARLIN: 0.29,
    Quantization.GPTQ_MARLIN: 0.29,
    Quantization.BITSANDBYTES: 0.29,
    Quantization.GGUF: 0.29,
    Quantization.COMPRESSED_TENSORS: 0.29,
    Quantization.FP8: 0.5,
    Quantization.W8A8_INT8: 0.5,
    Quantization.W8A8_FP8: 0.5,
}


class Fit(StrEnum):
    """How a model fits into the memory of a replica."""

    ROOMY = "Roomy"
    TIGHT = "Tight"
    TOO_LARGE = "TooLarge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The memory that one replica needs and has, in GiB."""

    weights: float
    cache: float
    memory: float
    fraction: float = TIGHT_FRACTION

    @property
    def fit(self) -> Fit:
        """Return how the model fits."""
        needed = self.weights + self.cache
        if needed > self.memory * self.fraction:
            return Fit.TOO_LARGE
        return Fit.TIGHT if needed > self.memory * ROOMY_FRACTION else Fit.ROOMY


def footprint(
    model: KnownModel,
    *,
    gpu: GPUPoolSpec,
    dtype: Dtype,
    quantization: Quantization | None,
    context_length: int,
    args: Sequence[Sequence[str]] = (),
) -> Footprint:
    """Return the memory that a replica of `model` needs on a pool; `args` are the argument lists that apply there."""
    size = 4 if dtype is Dtype.FLOAT32 else 2
    table = model.parameters - model.compute_parameters
    share = _SHARES[quantization] if quantization is not None else 1.0
    given = number(merged(*args).get("--mem-fraction-static"))
    return Footprint(
        weights=(table + model.compute_parameters * share) * size / GIB,
        cache=context_length * model.kv_bytes_per_token * size / 2 / GIB,
        memory=float(gpu.memory_gib * max(gpu.gpus, 1)),
        fraction=TIGHT_FRACTION if given is None else given,
    )
