"""Every error that only the operator can find: each with its reason, field and fix."""

from typing import Any

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.admission.checks import Permissions, Problem, problems

from tests.golden.cases import shipped_pools
from tests.world.builders import CPU_POOL, ServiceBuilder, service

POOLS = shipped_pools()


def model(repository: str = "Qwen/Qwen3-Embedding-0.6B", **fields: Any) -> ServiceBuilder:
    return service().having(model={"huggingFace": {"repo": repository}, **fields})


def found(built: ServiceBuilder, **pools: GPUPoolSpec) -> tuple[Problem, ...]:
    return problems(built.spec(), pools={**POOLS, **pools})


def only(built: ServiceBuilder, **pools: GPUPoolSpec) -> Problem:
    (problem,) = found(built, **pools)
    return problem


def changed(pool: str, **engine: Any) -> GPUPoolSpec:
    document = POOLS[pool].model_dump(by_alias=True)
    return GPUPoolSpec.model_validate({**document, "engine": {**document["engine"], **engine}})


def test_nothing_is_wrong_with_the_smallest_service() -> None:
    assert found(service()) == ()


def test_missing_pool() -> None:
    problem = only(model().on("a10").on("h200"))
    assert problem == Problem(
        reason=Reason.GPU_POOL_NOT_FOUND,
        field="spec.pools[1].gpuPool",
        message="there is no GPUPool h200: create it or use one of: a10, a100, a10g, h100, l4, l40s, t4",
    )


def test_missing_pool_in_a_cluster_without_any() -> None:
    (problem,) = problems(model().on("a10").spec(), pools={})
    assert problem.message.endswith("use one of: none, the cluster has no GPUPool")


def test_mean_pooling() -> None:
    problem = only(model("sentence-transformers/all-minilm-l6-v2").on("a10"))
    assert (problem.reason, problem.field) == (Reason.UNSUPPORTED_POOLING, "spec.model.huggingFace.repo")


def test_encoder_as_decoder() -> None:
    problem = only(model("BAAI/bge-m3", architecture="Decoder").on("a10"))
    assert (problem.reason, problem.field) == (Reason.INVALID_SPEC, "spec.model.architecture")
    assert found(model("Qwen/Qwen3-Embedding-0.6B", architecture="Encoder").on("a10")) == ()


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_dtype_that_an_old_gpu_lacks(dtype: str) -> None:
    problem = only(model(dtype=dtype).on("a10").on("t4"))
    assert (problem.reason, problem.field) == (Reason.DTYPE_UNSUPPORTED, "spec.model.dtype")
    assert "GPUPool t4 has compute capability 7.5" in problem.message
    assert found(model(dtype=dtype).on("a10")) == ()


def test_model_that_overflows_in_float16() -> None:
    gemma = "google/embeddinggemma-300m"
    assert found(model(gemma).on("a10")) == ()
    assert only(model(gemma).on("a10").on("t4")).reason is Reason.DTYPE_UNSUPPORTED
    assert only(model(gemma, dtype="float16").on("a10")).reason is Reason.DTYPE_UNSUPPORTED


@pytest.mark.parametrize(
    ("method", "dtype"), [("awq", "bfloat16"), ("awq", "float32"), ("fp8", "float32"), ("awq_marlin", "float32")]
)
def test_dtype_that_a_quantisation_lacks(method: str, dtype: str) -> None:
    problem = only(model(quantization=method, dtype=dtype).on("a10"))
    assert problem.reason is Reason.DTYPE_UNSUPPORTED
    assert problem.message.startswith(f"{method} does not compute in {dtype}: use Auto or ")


@pytest.mark.parametrize(
    ("method", "refused", "taken"),
    [
        ("awq", None, "t4"),
        ("awq_marlin", "t4", "a100"),
        ("gptq_marlin", "t4", "a10"),
        ("fp8", "t4", "a10"),
        ("w8a8_int8", None, "t4"),
        ("w8a8_fp8", "a10", "l4"),
        ("bitsandbytes", None, "t4"),
        ("gguf", None, "t4"),
        ("compressed-tensors", None, "t4"),
    ],
)
def test_quantisation_needs_kernels(method: str, refused: str | None, taken: str) -> None:
    assert found(model(quantization=method).on(taken)) == ()
    if refused is not None:
        problem = only(model(quantization=method).on(refused))
        assert (problem.reason, problem.field) == (Reason.QUANTIZATION_UNSUPPORTED, "spec.model.quantization")
        assert f"GPUPool {refused} has {POOLS[refused].compute_capability}" in problem.message


def test_quantised_models_do_not_run_on_cpus() -> None:
    pools = {**POOLS, "cpu": CPU_POOL}
    (problem,) = problems(model(quantization="gguf").on("a10").on("cpu").spec(), pools=pools)
    assert (problem.reason, problem.field) == (Reason.QUANTIZATION_UNSUPPORTED, "spec.model.quantization")
    assert problem.message == (
        "GPUPool cpu computes on the CPU, where quantised models are not supported: remove quantization or the pool"
    )
    assert problems(model("BAAI/bge-small-en-v1.5").on("cpu").spec(), pools=pools) == ()


def test_a_model_must_fit_the_memory_of_a_replica_on_a_cpu() -> None:
    (problem,) = problems(model("Qwen/Qwen3-Embedding-8B").on("cpu").spec(), pools={"cpu": CPU_POOL})
    assert problem.reason is Reason.MODEL_TOO_LARGE


def test_dimensions_above_the_native_size() -> None:
    problem = only(model(dimensions=[256, 2048, 4096]).on("a10"))
    assert (problem.reason, problem.field) == (Reason.INVALID_SPEC, "spec.model.dimensions")
    assert problem.message == "Qwen/Qwen3-Embedding-0.6B has only 1024 dimensions: remove 2048, 4096"


def test_dimensions_of_a_model_that_cannot_be_cut() -> None:
    assert only(model("BAAI/bge-m3", dimensions=[512, 1024]).on("a10")).message.endswith("1024 dimensions: remove 512")
    assert found(model("BAAI/bge-m3", dimensions=[1024]).on("a10")) == ()
    assert found(model("someone/unknown", dimensions=[512]).on("a10")) == ()


def test_model_too_large() -> None:
    problem = only(model("Qwen/Qwen3-Embedding-8B").on("a10").on("t4"))
    assert (problem.reason, problem.field) == (Reason.MODEL_TOO_LARGE, "spec.pools[1].gpuPool")
    assert problem.message.startswith(
        "the weights take 14.1 GiB and one input of 8192 tokens takes 1.1 GiB, but a replica on t4 has only 10.5 GiB"
    )
    assert found(model("Qwen/Qwen3-Embedding-8B", quantization="awq").on("a10").on("t4")) == ()
    assert found(model("someone/unknown-70b").on("t4")) == ()


@pytest.mark.parametrize("args", [["--tp-size", "2"], ["--tp=2"], ["--context", "99"], ["--config", "x.yaml"], ["-h"]])
def test_managed_arguments(args: list[str]) -> None:
    in_engine = only(model().having(engine={"args": args}).on("a10"))
    assert (in_engine.reason, in_engine.field) == (Reason.ENGINE_ARGUMENT_REFUSED, "spec.engine.args")
    in_entry = only(model().on("t4").on("a10", args=args))
    assert (in_entry.field, in_entry.message) == ("spec.pools[1].args", in_engine.message)
    in_pool = only(model().on("a10"), a10=changed("a10", args=args))
    assert (in_pool.field, in_pool.message) == ("GPUPool/a10 spec.engine.args", in_engine.message)


def test_arguments_of_a_missing_pool_are_looked_at() -> None:
    assert [problem.field for problem in found(model().on("gone", args=["--port", "80"], env=[{"name": "HOME"}]))] == [
        "spec.pools[0].gpuPool",
        "spec.pools[0].args",
        "spec.pools[0].env",
    ]


def test_tuning_is_free() -> None:
    args = ["--attention-backend", "triton", "--mem-fraction-static", "0.7", "--max-queued-requests=5"]
    assert found(model().having(engine={"args": args}).on("a10", args=args), a10=changed("a10", args=args)) == ()


def test_chunks_for_an_encoder() -> None:
    chunked = ["--chunked-prefill-size", "4096"]
    problem = only(model("BAAI/bge-m3").having(engine={"args": chunked}).on("a10"))
    assert (problem.reason, problem.field) == (Reason.ENGINE_ARGUMENT_REFUSED, "spec.engine.args")
    assert only(model("BAAI/bge-m3").on("a10", args=chunked)).field == "spec.pools[0].args"
    assert found(model("BAAI/bge-m3").on("a10", args=["--chunked-prefill-size", "-1"])) == ()
    assert found(model().having(engine={"args": chunked}).on("a10")) == ()


def test_a_pool_made_for_decoders_runs_encoders() -> None:
    assert "--chunked-prefill-size" in POOLS["t4"].engine.args
    assert found(model("BAAI/bge-m3").on("t4")) == ()


def test_token_pool_below_the_longest_input() -> None:
    small = changed("a10", args=["--max-total-tokens", "4k"])
    problem = only(model().on("a10"), a10=small)
    assert (problem.reason, problem.field) == (Reason.ENGINE_ARGUMENT_REFUSED, "spec.model.contextLength")
    assert found(model(contextLength=4000).on("a10"), a10=small) == ()
    assert found(model().on("a10", args=["--max-total-tokens", "20000"]), a10=small) == ()
    # The rendered length counts, not the written one.
    assert found(model("BAAI/bge-base-en-v1.5").on("a10"), a10=small) == ()


@pytest.mark.parametrize("name", ["HF_TOKEN", "PROMETHEUS_MULTIPROC_DIR", "HF_ENDPOINT"])
def test_variables_that_must_not_be_set(name: str) -> None:
    env = [{"name": name, "value": "x"}]
    assert only(model().having(engine={"env": env}).on("a10")).field == "spec.engine.env"
    assert only(model().on("a10", env=env)).field == "spec.pools[0].env"
    assert only(model().on("a10"), a10=changed("a10", env=env)).field == "GPUPool/a10 spec.engine.env"


@pytest.mark.parametrize("name", ["HOME", "HF_HOME", "SGLANG_CACHE_DIR", "NVIDIA_VISIBLE_DEVICES"])
def test_variables_that_only_a_pool_may_set(name: str) -> None:
    env = [{"name": name, "value": "x"}]
    problem = only(model().having(engine={"env": env}).on("a10"))
    assert problem.reason is Reason.ENGINE_ARGUMENT_REFUSED
    assert problem.message.startswith(f"{name} is managed by the operator: ")
    assert found(model().on("a10"), a10=changed("a10", env=env)) == ()


def test_gpus_among_the_resources() -> None:
    resources = {"limits": {"nvidia.com/gpu": 4}}
    problem = only(model().having(engine={"resources": resources}).on("a10").on("l4"))
    assert (problem.field, problem.message) == (
        "spec.engine.resources",
        "nvidia.com/gpu is set by resource.count of the GPUPool: remove it",
    )


def test_problems_come_in_the_order_of_mending() -> None:
    wrong = model("Qwen/Qwen3-Embedding-8B", dtype="bfloat16").having(engine={"args": ["--port", "80"]})
    assert [problem.reason for problem in found(wrong.on("t4").on("gone"))] == [
        Reason.GPU_POOL_NOT_FOUND,
        Reason.DTYPE_UNSUPPORTED,
        Reason.MODEL_TOO_LARGE,
        Reason.ENGINE_ARGUMENT_REFUSED,
    ]


MIRROR = Permissions(image_prefixes=("registry.example.com/", "ghcr.io/team/"), remote_code=False)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"engine": {"image": "docker.io/someone/sglang"}}, "spec.engine.image"),
        ({"engine": {"image": "registry.example.com.evil/sglang"}}, "spec.engine.image"),
        ({"model": {"image": {"reference": "ghcr.io/teammate/model"}}}, "spec.model.image.reference"),
        ({"model": {"huggingFace": {"repo": "a/b"}, "trustRemoteCode": True}}, "spec.model.trustRemoteCode"),
    ],
)
def test_what_admins_do_not_allow(fields: dict[str, Any], field: str) -> None:
    spec = service().having(**fields).spec()
    assert problems(spec, pools=POOLS) == ()
    (problem,) = problems(spec, pools=POOLS, permissions=MIRROR)
    assert (problem.reason, problem.field) == (Reason.NOT_PERMITTED, field)


def test_what_admins_allow() -> None:
    spec = service().having(engine={"image": "registry.example.com/sglang@sha256:0"}).spec()
    assert problems(spec, pools=POOLS, permissions=MIRROR) == ()


CACHE = {"volumes": [{"name": "compile-cache", "hostPath": {"path": "/cache"}}]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"engine": {"image": "mine"}}, "spec.engine.image"),
        ({"engine": {"env": [{"name": "OMP_NUM_THREADS", "value": "2"}]}}, "spec.engine.env"),
    ],
)
def test_own_engines_where_all_load_the_same_files(fields: dict[str, Any], field: str) -> None:
    built = model().on("a10").having(**fields)
    assert found(built, a10=changed("a10", **CACHE)) == ()
    problem = only(built, a10=changed("a10", **CACHE, shareVolumes=True))
    assert (problem.reason, problem.field) == (Reason.NOT_PERMITTED, field)
    assert found(built, a10=changed("a10", **CACHE, shareVolumes=True, allowOwnEngines=True)) == ()


@pytest.mark.parametrize(
    "engine",
    [
        {"volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": "c"}}]},
        {
            "volumes": [{"name": "disk", "hostPath": {"path": "/weights"}}],
            "volumeMounts": [{"name": "disk", "mountPath": "/weights", "readOnly": True}],
        },
    ],
)
def test_own_engines_where_nothing_is_written_by_all(engine: dict[str, Any]) -> None:
    shared = changed("a10", **engine, shareVolumes=True)
    assert found(model().on("a10").having(engine={"image": "mine"}), a10=shared) == ()
