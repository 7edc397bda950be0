"""The environment of the engine.

The operator has defaults; the env of the `GPUPool`, of `spec.engine` and of the pool's entry in `spec.pools` follow in
this order, and a variable in a later place replaces the same variable in an earlier one. None of them can change where
the model comes from.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.kubernetes_types import EnvVar
from embedding_operator.api.v1alpha1.model import HuggingFaceSource, ModelSpec
from embedding_operator.api.v1alpha1.pools import PoolSpec
from embedding_operator.domain.model.engine_variables import managed_refusal, variable_refusal
from embedding_operator.rendering.volumes import CACHE, SCRATCH, WEIGHTS

Variables = dict[str, dict[str, Any]]

_DEFAULTS = {
    "HOME": SCRATCH,
    # Python looks up the name of the user, which need not be in the image's password file.
    "USER": "engine",
    "HF_HOME": WEIGHTS,
    "SGLANG_CACHE_DIR": CACHE,
    # By default not below SGLANG_CACHE_DIR; the other caches are, but only if SGLang is imported before they are.
    "SGLANG_JIT_CACHE_DIR": f"{CACHE}/jit",
    "TRITON_CACHE_DIR": f"{CACHE}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor",
    "CUDA_CACHE_PATH": f"{CACHE}/nv",
    "TILELANG_CACHE_DIR": f"{CACHE}/tilelang",
    "FLASHINFER_WORKSPACE_BASE": CACHE,
    # Seconds: how long a text may wait before it is rejected, and a keep-alive longer than common clients' idle time.
    "SGLANG_REQ_WAITING_TIMEOUT": "60",
    "SGLANG_TIMEOUT_KEEP_ALIVE": "75",
}

_ON_CPU = {"SGLANG_USE_CPU_ENGINE": "1"}


def environment(spec: EmbeddingServiceSpec, *, entry: PoolSpec, gpu: GPUPoolSpec) -> list[dict[str, Any]]:
    """Return the variables of the engine of a service on one pool, in the form of a container's `env`."""
    variables: Variables = {
        **_plain(_DEFAULTS),
        **_plain({} if gpu.gpus else _ON_CPU),
        **_offline(spec.model),
        **_given(gpu.engine.env, refused=managed_refusal),
        **_given(spec.engine.env, refused=variable_refusal),
        **_given(entry.env, refused=variable_refusal),
        **_hub(spec.model.hugging_face),
    }
    return list(variables.values())


def _plain(values: Mapping[str, str]) -> Variables:
    return {name: {"name": name, "value": value} for name, value in values.items()}


def _offline(model: ModelSpec) -> Variables:
    return _plain({"HF_HUB_OFFLINE": "1"}) if model.hugging_face is None else {}


def _given(env: Iterable[EnvVar], *, refused: Callable[[str], str | None]) -> Variables:
    return {
        variable.name: variable.model_dump(by_alias=True, exclude_none=True)
        for variable in env
        if refused(variable.name) is None
    }


def _hub(source: HuggingFaceSource | None) -> Variables:
    if source is None:
        return {}
    variables: Variables = {}
    if source.endpoint is not None:
        variables |= _plain({"HF_ENDPOINT": unexpanded(source.endpoint)})
    if source.token_secret_ref is not None:
        secret = {"name": source.token_secret_ref.name, "key": source.token_secret_ref.key}
        variables["HF_TOKEN"] = {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": secret}}
    return variables


def unexpanded(text: str) -> str:
    """Return `text` escaped so that Kubernetes, which expands `$(NAME)`, leaves it unchanged."""
    return text.replace("$", "$$")
