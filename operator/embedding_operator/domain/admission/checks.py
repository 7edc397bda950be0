"""Checks of an `EmbeddingService` that only the operator can do: it knows the GPUs, the models and the engine.

What a schema or CEL can express is refused when the object is applied. Every check covers one thing and says which
field is wrong and how to fix it. Checks never raise: they accept any object that the schema accepts.
"""

from collections.abc import Iterator, Mapping

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.admission import engine_checks, model_checks, permission_checks
from embedding_operator.domain.admission.case import ANYTHING, Case, Permissions, Problem

__all__ = ["Permissions", "Problem", "problems"]


def problems(
    spec: EmbeddingServiceSpec, *, pools: Mapping[str, GPUPoolSpec], permissions: Permissions = ANYTHING
) -> tuple[Problem, ...]:
    """Return all problems of `spec` on the `GPUPool`s of the cluster, in the order in which to fix them."""
    case = Case.of(spec, pools=pools, permissions=permissions)
    return tuple(problem for check in _CHECKS for problem in check(case))


def _missing_pools(case: Case) -> Iterator[Problem]:
    existing = ", ".join(sorted(case.pools)) or "none, the cluster has no GPUPool"
    for field, entry in case.entries():
        if entry.gpu_pool not in case.pools:
            yield Problem(
                reason=Reason.GPU_POOL_NOT_FOUND,
                field=f"{field}.gpuPool",
                message=f"there is no GPUPool {entry.gpu_pool}: create it or use one of: {existing}",
            )


_CHECKS = (
    _missing_pools,
    model_checks.mean_pooling,
    model_checks.wrong_architecture,
    model_checks.dtype_on_gpu,
    model_checks.dtype_of_model,
    model_checks.quantization_on_gpu,
    model_checks.dimensions,
    model_checks.memory,
    engine_checks.managed_arguments,
    engine_checks.chunked_encoder,
    engine_checks.token_pool,
    engine_checks.managed_variables,
    engine_checks.requested_gpus,
    permission_checks.images,
    permission_checks.remote_code,
    permission_checks.own_engines,
)
