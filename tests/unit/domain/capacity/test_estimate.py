"""Seeds of capacity, against the table of published measurements they were derived from."""

import pytest
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.status import CapacitySource
from embedding_operator.domain.capacity.estimate import replica_capacity

from tests.golden.cases import shipped_pools
from tests.world.builders import CPU_POOL, service

POOLS = shipped_pools()


def estimate(repository: str, gpu: GPUPoolSpec | None) -> float:
    spec = service().having(model={"huggingFace": {"repo": repository}}).on("pool").spec()
    capacity = replica_capacity(spec, pool="pool", gpu=gpu)
    assert capacity.source is CapacitySource.ESTIMATE
    return capacity.tokens_per_second


@pytest.mark.parametrize(
    ("pool", "small", "large"),
    [("a10", 56_800, 6_900), ("a10g", 31_800, 3_900), ("t4", 25_800, 3_100), ("l4", 42_600, 5_200)],
)
def test_estimates_of_qwen3_embedding(pool: str, small: float, large: float) -> None:
    assert estimate("Qwen/Qwen3-Embedding-0.6B", POOLS[pool]) == pytest.approx(small, rel=0.02)
    assert estimate("Qwen/Qwen3-Embedding-4B", POOLS[pool]) == pytest.approx(large, rel=0.02)


def test_reproduces_the_measurement_of_bge_large_on_l4() -> None:
    assert estimate("BAAI/bge-large-en-v1.5", POOLS["l4"]) == pytest.approx(62_100, rel=0.02)


def test_a_cpu_is_no_gpu() -> None:
    assert estimate("BAAI/bge-small-en-v1.5", CPU_POOL) == pytest.approx(4_700, rel=0.01)
    assert estimate("Qwen/Qwen3-Embedding-0.6B", CPU_POOL) < estimate("Qwen/Qwen3-Embedding-0.6B", POOLS["t4"]) / 50


def test_what_the_service_states_counts() -> None:
    spec = service().on("a10", tokensPerSecond=1234).spec()
    capacity = replica_capacity(spec, pool="a10", gpu=POOLS["a10"])
    assert (capacity.tokens_per_second, capacity.source) == (1234.0, CapacitySource.SPEC)


def test_a_pool_that_the_service_no_longer_lists_has_a_capacity() -> None:
    spec = service().on("a10", tokensPerSecond=1234).spec()
    assert replica_capacity(spec, pool="t4", gpu=POOLS["t4"]).source is CapacitySource.ESTIMATE


def test_more_gpus_compute_more() -> None:
    resource = POOLS["a10"].resource.model_copy(update={"count": 4})
    four = POOLS["a10"].model_copy(update={"resource": resource})
    one = estimate("Qwen/Qwen3-Embedding-8B", POOLS["a10"])
    assert estimate("Qwen/Qwen3-Embedding-8B", four) == pytest.approx(4 * one)


def test_where_nothing_is_known_the_smallest_gpu_and_model_count() -> None:
    assert estimate("someone/unknown", None) == estimate("Qwen/Qwen3-Embedding-0.6B", POOLS["t4"])
    silent = POOLS["t4"].model_copy(update={"tensor_tflops": None})
    assert estimate("someone/unknown", silent) == estimate("someone/unknown", None)


@pytest.mark.parametrize(
    ("capability", "share"), [("6.1", 0.31), ("7.5", 0.35), ("8.7", 0.40), ("8.9", 0.31), ("9.0", 0.30), ("12.0", 0.30)]
)
def test_an_unlisted_generation_counts_as_the_one_before_it(capability: str, share: float) -> None:
    gpu = POOLS["a10"].model_copy(update={"compute_capability": capability, "tensor_tflops": 100})
    assert estimate("someone/unknown", gpu) == pytest.approx(share * 100e12 / (2 * 440_467_456))
