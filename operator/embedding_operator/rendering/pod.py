"""The parts of an engine pod that differ between services and pools, named as in the Deployment template."""

from typing import Any

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.engine import PodTemplate
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.kubernetes_types import ResourceRequirements, Toleration
from embedding_operator.api.v1alpha1.pools import PoolSpec
from embedding_operator.domain.model.catalog import known_model
from embedding_operator.domain.model.engine_arguments import of_service
from embedding_operator.domain.model.footprint import Fit, footprint
from embedding_operator.domain.model.resolution import ResolvedModel
from embedding_operator.rendering.engine import LAUNCH, EngineCommand
from embedding_operator.rendering.environment import environment, unexpanded
from embedding_operator.rendering.names import model_labels, pool_labels, pool_selector
from embedding_operator.rendering.volumes import model_path, volume_mounts, volumes

DEFAULT_REQUESTS = {"cpu": "2", "memory": "8Gi"}


def pod_values(
    name: str, spec: EmbeddingServiceSpec, *, entry: PoolSpec, gpu: GPUPoolSpec, model: ResolvedModel, user: int | None
) -> dict[str, Any]:
    """Return the values of the pod of the service `name` on one pool."""
    wanted = spec.pod_template
    labels = pool_labels(name, pool=entry.gpu_pool)
    return {
        "labels": {**wanted.metadata.labels, **labels, **model_labels(model.served_name)},
        "annotations": dict(wanted.metadata.annotations),
        "grace_seconds": wanted.termination_grace_period_seconds,
        "priority_class": wanted.priority_class_name,
        "pull_secrets": [{"name": secret.name} for secret in wanted.image_pull_secrets],
        # The node labels of the GPUPool define the pool: a service may narrow them, not replace them.
        "node_selector": {**wanted.node_selector, **gpu.node_selector},
        "tolerations": [_toleration(each) for each in (*gpu.tolerations, *wanted.tolerations)],
        "affinity": wanted.affinity,
        "topology_spread": _topology_spread(name, pool=entry.gpu_pool, wanted=wanted),
        "volumes": volumes(spec.model, gpu=gpu),
        "user": user,
    }


def engine_values(
    namespace: str,
    spec: EmbeddingServiceSpec,
    *,
    entry: PoolSpec,
    gpu: GPUPoolSpec,
    model: ResolvedModel,
    default_image: str,
) -> dict[str, Any]:
    """Return the values of the engine container of a service in `namespace` on one pool."""
    command = gpu.engine.command or LAUNCH
    return {
        "image": spec.engine.image or gpu.engine.image or default_image,
        "command": [unexpanded(word) for word in command],
        "args": [unexpanded(word) for word in engine_command(spec, entry=entry, gpu=gpu, model=model).argv()],
        "env": environment(spec, entry=entry, gpu=gpu),
        "resources": _resources(spec.engine.resources, gpu=gpu),
        "volume_mounts": volume_mounts(spec.model, gpu=gpu, namespace=namespace),
    }


def engine_command(
    spec: EmbeddingServiceSpec, *, entry: PoolSpec, gpu: GPUPoolSpec, model: ResolvedModel
) -> EngineCommand:
    """Return the command line of the engine of a service on one pool."""
    return EngineCommand(
        model_path=model_path(spec.model),
        revision=model.revision,
        served_name=model.served_name,
        dtype=model.dtype,
        architecture=model.architecture,
        context_length=model.context_length,
        quantization=spec.model.quantization,
        dimensions=model.dimensions if spec.model.dimensions else (),
        trust_remote_code=spec.model.trust_remote_code,
        gpus=gpu.gpus,
        log_level=spec.engine.log_level,
        fit=_fit(spec, gpu=gpu, model=model),
        args=(gpu.engine.args, of_service(spec.engine.args), of_service(entry.args)),
    )


def _fit(spec: EmbeddingServiceSpec, *, gpu: GPUPoolSpec, model: ResolvedModel) -> Fit:
    known = known_model(spec.model)
    if known is None:
        return Fit.ROOMY
    return footprint(
        known,
        gpu=gpu,
        dtype=model.dtype,
        quantization=spec.model.quantization,
        context_length=model.context_length,
    ).fit


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return toleration.model_dump(by_alias=True, exclude_none=True)


def _topology_spread(name: str, *, pool: str, wanted: PodTemplate) -> list[dict[str, Any]]:
    if wanted.topology_spread_constraints:
        return list(wanted.topology_spread_constraints)
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": pool_selector(name, pool=pool)},
        }
    ]


def _resources(wanted: ResourceRequirements, *, gpu: GPUPoolSpec) -> dict[str, Any]:
    empty = not wanted.requests and not wanted.limits
    gpus = {gpu.resource.name: gpu.gpus} if gpu.gpus else {}
    defaults = DEFAULT_REQUESTS if gpu.gpus else {**DEFAULT_REQUESTS, "memory": f"{gpu.memory_gib}Gi"}
    return {
        "requests": {**(defaults if empty else wanted.requests), **gpus},
        "limits": {**wanted.limits, **gpus},
    }
