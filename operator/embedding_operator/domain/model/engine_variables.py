"""The environment variables of the engine: which ones the operator manages, and which ones services may not set.

A variable is as powerful as an argument: it can load a library or a Python module, move a cache to another tenant's
files, send traces or write clients' texts to logs. A `GPUPool` may set all but those that the operator manages.
"""

from collections.abc import Callable

MANAGED_VARIABLES: dict[str, str] = {
    "HF_ENDPOINT": "set spec.model.huggingFace.endpoint",
    "HF_TOKEN": "set spec.model.huggingFace.tokenSecretRef",
    "HUGGING_FACE_HUB_TOKEN": "set spec.model.huggingFace.tokenSecretRef",
    "PROMETHEUS_MULTIPROC_DIR": "metrics of a previous process would reappear after a restart",
}
"""Variables of the engine that are refused everywhere; with what to do instead."""

_CACHES = "the operator, or volumes and env of the GPUPool, determine where caches are"
_DEVICES = "the device plugin assigns GPUs"

NODE_VARIABLES: dict[str, str] = {
    "CUDA_CACHE_PATH": _CACHES,
    "CUDA_VISIBLE_DEVICES": _DEVICES,
    "FLASHINFER_WORKSPACE_BASE": _CACHES,
    "HF_HOME": _CACHES,
    "HOME": "it is the only directory that the engine may write to",
    "NVIDIA_VISIBLE_DEVICES": _DEVICES,
    "SGLANG_CACHE_DIR": _CACHES,
    "SGLANG_JIT_CACHE_DIR": _CACHES,
    "TILELANG_CACHE_DIR": _CACHES,
    "TORCHINDUCTOR_CACHE_DIR": _CACHES,
    "TRITON_CACHE_DIR": _CACHES,
    "USER": "it is the user of the security context",
}
"""Variables that depend on the node, refused in services but not in a `GPUPool`."""

_LOADS = "it can load code into the engine"
_PLACES = "it can name a file, a folder, an address or a credential"
_SHOWS = "it can write out clients' texts or the engine's memory"
_SERVER = "it changes the server itself"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BEGINNINGS = {
    _LOADS: _words("""
        LD_ PYTHON PIP_ UV_ CONDA_ VIRTUAL_ENV GIT_ PERL5 TRITON_PTXAS TRITON_OVERRIDE TRITON_PLUGIN NVCC_
        SGLANG_PLATFORM SGLANG_EXTERNAL_ SGLANG_RUST_BUILD_ SGLANG_NCCL_SO_ SGLANG_SAIL_ SGLANG_EMBEDDINGS_SPARSE_
    """),
    _PLACES: _words("""
        XDG_ OTEL_ AWS_ GOOGLE_ AZURE_ MASTER_ MOONCAKE_ SGLANG_MOONCAKE_ MC_ RUNAI_ EXA_ NCCL_TOPO_ NCCL_CONF_
        NCCL_TUNER NCCL_OOB_ NCCL_COMM_ SGLANG_HICACHE_ SGLANG_ZMQ_ SGLANG_ZBAL_ SGLANG_DISAGGREGATION_
    """),
    _SHOWS: _words("SGLANG_LOG_"),
    _SERVER: _words("UVICORN_ AIP_ SGLANG_TEST_ SGLANG_SIMULATE_ SGLANG_KV_CANARY_ SGLANG_DISABLED_MODEL SGLANG_ROLE_"),
}
_ENDS = {
    _LOADS: _words("_SO _PLUGIN _PLUGINS _MODULE _MODULES _PACKAGE _PACKAGES _HOOK _HOOKS FLAGS"),
    _PLACES: _words("""
        _PATH _DIR _DIRS _DIRECTORY _FILE _FILES _FOLDER _ROOT _HOME _BASE _BUNDLE _CERT _SOCKET _TEMPLATE _CONFIG
        _BUCKET _ENDPOINT _ENDPOINTS _URL _URLS _URI _ADDR _ADDRESS _HOST _HOSTNAME _IP _PORT _PROXY
        _SERVER _PEERS _OVERRIDE _NIC _TOKEN _API_KEY _SECRET _PASSWORD
    """),
    _SERVER: _words("_ROUTE"),
}
_PARTS = {_SHOWS: _words("COREDUMP CORE_DUMP PROFIL RECORDER _DUMP DUMP_ DUMPER _TRACE _COLLECT")}
_NAMES = {
    _LOADS: _words("GLIBC_TUNABLES GCONV_PATH PATH BASH_ENV ENV SHELLOPTS NODE_OPTIONS JAVA_TOOL_OPTIONS CC CXX CPP"),
    _PLACES: _words("TMPDIR NCCL_NET RANK WORLD_SIZE LOCAL_RANK LOCAL_SIZE SGLANG_RAY_BUNDLE_INDICES"),
    _SERVER: _words("SGLANG_USE_MODELSCOPE"),
}


def managed_refusal(name: str) -> str | None:
    """Return why neither a service nor a `GPUPool` may set the variable `name`, or None if a `GPUPool` may."""
    stated = MANAGED_VARIABLES.get(name)
    return None if stated is None else f"{name} is managed by the operator: {stated}"


def variable_refusal(name: str) -> str | None:
    """Return why a service may not set the variable `name`, or None if it may. Upper and lower case are the same."""
    stated = MANAGED_VARIABLES.get(name.upper()) or NODE_VARIABLES.get(name.upper())
    if stated is not None:
        return f"{name} is managed by the operator: {stated}"
    reason = _reason(name.upper())
    return None if reason is None else f"{name} may only be set in a GPUPool: {reason}"


def _reason(name: str) -> str | None:
    tests: tuple[tuple[dict[str, tuple[str, ...]], Callable[[tuple[str, ...]], bool]], ...] = (
        (_NAMES, lambda names: name in names),
        (_BEGINNINGS, name.startswith),
        (_ENDS, name.endswith),
        (_PARTS, lambda parts: any(part in name for part in parts)),
    )
    return next((reason for table, test in tests for reason, words in table.items() if test(words)), None)
