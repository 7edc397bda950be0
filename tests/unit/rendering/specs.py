"""Any EmbeddingService and any GPUPool that the schema accepts, with texts intended to break YAML."""

from typing import Any

from embedding_operator.api.v1alpha1.embedding_service import MAX_CHILD_NAME, EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.unit.rendering.test_template import HOSTILE

POOL_NAMES = ("a10", "t4", "l4", "p" * 30)

LONGEST_NAME = MAX_CHILD_NAME - len("-") - max(map(len, POOL_NAMES))

texts = st.sampled_from([text for text in HOSTILE if text])
label_values = st.sampled_from(["a", "A" * 63, "x.y_z-1", "0", "true", "NVIDIA-A10"])
label_keys = st.sampled_from(["embedding-operator.io/service", "app.kubernetes.io/component", "team", "a.b/c"])
label_maps = st.dictionaries(label_keys, label_values, max_size=2)
service_names = st.sampled_from(["a", "qwen3", "a--b", "no", "x" * LONGEST_NAME])
variable_names = st.sampled_from(["HOME", "HF_TOKEN", "LOG", "PROMETHEUS_MULTIPROC_DIR", "_", "NCCL_DEBUG"])
options = st.sampled_from(
    ["--port", "--tp=2", "--context", "--chunked-prefill-size", "2048", "-1", "--schedule-policy", "lpm", "--", "-h"]
)
arg_lists = st.lists(options | texts, max_size=4)
free_forms = st.dictionaries(texts, texts | st.integers() | st.lists(texts, max_size=2), max_size=2)


def _unique(entries: list[dict[str, Any]], *, key: str) -> list[dict[str, Any]]:
    return list({entry[key]: entry for entry in entries}.values())


def _some(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


environments = st.lists(st.fixed_dictionaries({"name": variable_names, "value": texts}), max_size=3).map(
    lambda entries: _unique(entries, key="name")
)
tolerations = st.lists(_some(key=texts, operator=st.just("Exists"), effect=st.just("NoSchedule")), max_size=2)
sources = st.one_of(
    st.builds(
        lambda repo, more: {"huggingFace": {"repo": repo, **more}},
        st.sampled_from(["Qwen/Qwen3-Embedding-0.6B", "BAAI/bge-m3", "Qwen/Qwen3-Embedding-8B", "someone/unknown"]),
        _some(
            revision=texts,
            tokenSecretRef=st.just({"name": "hub"}),
            endpoint=texts.map(lambda text: f"https://{text}"),
        ),
    ),
    st.builds(lambda path: {"volume": {"claimName": "models", "path": f"x{path}"}}, texts),
    st.builds(lambda reference: {"image": {"reference": reference}}, texts),
)
model_fields = _some(
    servedName=texts,
    dtype=st.sampled_from(["Auto", "float16", "bfloat16", "float32"]),
    architecture=st.sampled_from(["Auto", "Decoder", "Encoder"]),
    contextLength=st.integers(16, 131072),
    quantization=st.sampled_from(["awq", "fp8", "gguf"]),
    dimensions=st.lists(st.integers(1, 5000), max_size=3, unique=True),
    trustRemoteCode=st.booleans(),
)
pod_templates = _some(
    metadata=_some(labels=label_maps, annotations=st.dictionaries(label_keys, texts, max_size=2)),
    nodeSelector=label_maps,
    tolerations=tolerations,
    affinity=free_forms,
    topologySpreadConstraints=st.lists(free_forms, max_size=2),
    priorityClassName=texts,
    imagePullSecrets=st.lists(st.fixed_dictionaries({"name": texts}), max_size=2),
    terminationGracePeriodSeconds=st.integers(30, 3600),
)
engines = _some(
    image=texts,
    args=arg_lists,
    env=environments,
    resources=_some(requests=st.just({"cpu": 1}), limits=st.just({"memory": "9Gi"})),
    logLevel=st.sampled_from(["debug", "error"]),
)
gateways = _some(
    replicas=st.integers(1, 20),
    maxConnectionsPerEngine=st.integers(1, 4096),
    queueTimeoutSeconds=st.integers(1, 3600),
    holdSeconds=st.integers(0, 3600),
    bodyLimitKiB=st.integers(1, 16384),
    apiKeysSecretRef=st.fixed_dictionaries({"name": texts}),
    resources=_some(requests=st.just({"cpu": 1}), limits=st.just({"memory": "9Gi"})),
)


@st.composite
def service_specs(draw: DrawFn) -> EmbeddingServiceSpec:
    """Draw a service on one to three of `POOL_NAMES`."""
    chosen = draw(st.lists(st.sampled_from(POOL_NAMES), min_size=1, max_size=3, unique=True))
    entry = _some(args=arg_lists, env=environments, tokensPerSecond=st.integers(1, 10**6))
    return EmbeddingServiceSpec.model_validate(
        {
            "model": {**draw(sources), **draw(model_fields)},
            "pools": [{"gpuPool": name, "maxReplicas": 3, **draw(entry)} for name in chosen],
            "gateway": draw(gateways),
            "scaling": {"queue": {"targetRequests": draw(st.integers(1, 100_000))}},
            "engine": draw(engines),
            "podTemplate": draw(pod_templates),
        }
    )


volumes = st.lists(
    st.sampled_from(
        [
            {"name": "disk", "hostPath": {"path": "/mnt"}},
            {"name": "weights", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "model", "emptyDir": {}},
            {"nameless": True},
        ]
    ),
    max_size=2,
)
pool_engines = _some(
    image=texts, command=st.lists(texts, max_size=2), args=arg_lists, env=environments, volumes=volumes
)


@st.composite
def pool_maps(draw: DrawFn) -> dict[str, GPUPoolSpec]:
    """Draw the pools of a cluster, some of `POOL_NAMES`."""
    names = draw(st.lists(st.sampled_from(POOL_NAMES), min_size=1, unique=True))
    return {name: draw(_gpu_pools()) for name in names}


@st.composite
def _gpu_pools(draw: DrawFn) -> GPUPoolSpec:
    on_gpu = {"computeCapability": draw(st.sampled_from(["7.5", "8.0", "8.6", "9.0"]))}
    return GPUPoolSpec.model_validate(
        {
            "nodeSelector": {"nvidia.com/gpu.product": draw(label_values)},
            "tolerations": draw(tolerations),
            "resource": {"count": draw(st.integers(1, 16))},
            **draw(st.sampled_from([on_gpu, {"device": "CPU"}])),
            "memoryGiB": draw(st.integers(1, 100)),
            "tensorTFLOPS": draw(st.none() | st.integers(1, 1000)),
            "engine": draw(pool_engines),
        }
    )
