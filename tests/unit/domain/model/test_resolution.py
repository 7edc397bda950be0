"""How `Auto` and defaults are resolved."""

import pytest
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.domain.model.resolution import resolve_model

from tests.golden.cases import shipped_pools
from tests.world.builders import CPU_POOL, ServiceBuilder, service

POOLS = shipped_pools()


def on(*names: str, **model: object) -> ServiceBuilder:
    built = service().having(model={"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}, **model})
    for name in names:
        built = built.on(name)
    return built


@pytest.mark.parametrize(
    ("pools", "dtype"),
    [
        (("a10",), Dtype.BFLOAT16),
        (("a100", "h100", "l4"), Dtype.BFLOAT16),
        (("t4",), Dtype.FLOAT16),
        (("a10", "t4"), Dtype.FLOAT16),
        (("t4", "a10"), Dtype.FLOAT16),
        (("a10", "missing"), Dtype.BFLOAT16),
        (("t4", "missing"), Dtype.FLOAT16),
        (("missing",), Dtype.BFLOAT16),
    ],
)
def test_all_pools_compute_in_the_same_format(pools: tuple[str, ...], dtype: Dtype) -> None:
    assert resolve_model("x", on(*pools).spec(), POOLS).dtype is dtype


@pytest.mark.parametrize(
    ("pools", "dtype"),
    [
        (("cpu",), Dtype.FLOAT32),
        (("cpu", "missing"), Dtype.FLOAT32),
        (("cpu", "a10"), Dtype.BFLOAT16),
        (("t4", "cpu"), Dtype.FLOAT16),
    ],
)
def test_a_cpu_computes_as_the_gpus_beside_it_and_in_float32_alone(pools: tuple[str, ...], dtype: Dtype) -> None:
    assert resolve_model("x", on(*pools).spec(), {**POOLS, "cpu": CPU_POOL}).dtype is dtype


@pytest.mark.parametrize("dtype", [Dtype.FLOAT16, Dtype.BFLOAT16, Dtype.FLOAT32])
def test_a_format_that_is_asked_for_stays(dtype: Dtype) -> None:
    assert resolve_model("x", on("a10", "t4", dtype=dtype).spec(), POOLS).dtype is dtype


def test_awq_knows_float16_only() -> None:
    assert resolve_model("x", on("a10", quantization="awq").spec(), POOLS).dtype is Dtype.FLOAT16
    assert resolve_model("x", on("a10", quantization="awq_marlin").spec(), POOLS).dtype is Dtype.BFLOAT16


@pytest.mark.parametrize(
    ("repository", "asked", "architecture"),
    [
        ("Qwen/Qwen3-Embedding-0.6B", "Auto", Architecture.DECODER),
        ("BAAI/bge-m3", "Auto", Architecture.ENCODER),
        ("someone/unknown", "Auto", Architecture.DECODER),
        ("someone/unknown", "Encoder", Architecture.ENCODER),
    ],
)
def test_architecture_comes_from_the_table(repository: str, asked: str, architecture: Architecture) -> None:
    spec = on("a10", huggingFace={"repo": repository}, architecture=asked).spec()
    assert resolve_model("x", spec, POOLS).architecture is architecture


def test_context_is_at_most_what_the_model_takes() -> None:
    bge = {"repo": "BAAI/bge-base-en-v1.5"}
    assert resolve_model("x", on("a10", huggingFace=bge).spec(), POOLS).context_length == 512
    assert resolve_model("x", on("a10", huggingFace=bge, contextLength=128).spec(), POOLS).context_length == 128
    unknown = on("a10", huggingFace={"repo": "someone/unknown"}, contextLength=131072).spec()
    assert resolve_model("x", unknown, POOLS).context_length == 131072


def test_dimensions_hold_the_native_size() -> None:
    assert resolve_model("x", on("a10", dimensions=[512, 256]).spec(), POOLS).dimensions == (256, 512, 1024)
    assert resolve_model("x", on("a10").spec(), POOLS).dimensions == (1024,)
    unknown = on("a10", huggingFace={"repo": "someone/unknown"})
    assert resolve_model("x", unknown.spec(), POOLS).dimensions == ()


def test_name_and_revision() -> None:
    resolved = resolve_model("search", on("a10").spec(), POOLS)
    assert (resolved.served_name, resolved.revision) == ("search", "main")
    volume = service().having(model={"volume": {"claimName": "models"}, "servedName": "text"}).on("a10")
    resolved = resolve_model("search", volume.spec(), POOLS)
    assert (resolved.served_name, resolved.revision) == ("text", None)
