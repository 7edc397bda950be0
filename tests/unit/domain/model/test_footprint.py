"""How much memory a model takes, compared with the model cards and the engine's own log."""

import pytest
from embedding_operator.api.v1alpha1.model import Dtype, ModelSpec, Quantization
from embedding_operator.domain.model.catalog import KnownModel, known_model
from embedding_operator.domain.model.footprint import Fit, Footprint, footprint

from tests.golden.cases import shipped_pools

POOLS = shipped_pools()


def qwen3(size: str) -> KnownModel:
    found = known_model(ModelSpec.model_validate({"huggingFace": {"repo": f"Qwen/Qwen3-Embedding-{size}"}}))
    assert found is not None
    return found


def need(
    size: str, pool: str, *, method: Quantization | None = None, context: int = 8192, args: tuple[str, ...] = ()
) -> Footprint:
    return footprint(
        qwen3(size),
        gpu=POOLS[pool],
        dtype=Dtype.FLOAT16,
        quantization=method,
        context_length=context,
        args=(args,),
    )


@pytest.mark.parametrize(("size", "weights", "cache"), [("0.6B", 1.1, 0.9), ("4B", 7.5, 1.1), ("8B", 14.1, 1.1)])
def test_weights_and_cache_in_16_bits(size: str, weights: float, cache: float) -> None:
    needed = need(size, "a10")
    assert needed.weights == pytest.approx(weights, abs=0.05)
    assert needed.cache == pytest.approx(cache, abs=0.05)


def test_float32_takes_twice_as_much() -> None:
    wide = footprint(qwen3("4B"), gpu=POOLS["a10"], dtype=Dtype.FLOAT32, quantization=None, context_length=8192)
    narrow = need("4B", "a10")
    assert (wide.weights, wide.cache) == (2 * narrow.weights, 2 * narrow.cache)


def test_quantisation_leaves_the_embedding_table_alone() -> None:
    assert need("8B", "a10", method=Quantization.FP8).weights == pytest.approx(7.6, abs=0.1)
    assert need("8B", "a10", method=Quantization.AWQ).weights == pytest.approx(4.9, abs=0.1)


@pytest.mark.parametrize(
    ("size", "pool", "fit"),
    [
        ("0.6B", "t4", Fit.ROOMY),
        ("4B", "t4", Fit.TIGHT),
        ("8B", "t4", Fit.TOO_LARGE),
        ("4B", "a10", Fit.ROOMY),
        ("8B", "a10", Fit.TIGHT),
        ("8B", "l40s", Fit.ROOMY),
    ],
)
def test_how_models_fit_the_shipped_pools(size: str, pool: str, fit: Fit) -> None:
    assert need(size, pool).fit is fit


def test_a_long_input_can_be_what_does_not_fit() -> None:
    assert need("4B", "t4", context=32768).fit is Fit.TIGHT
    assert need("4B", "t4", context=32768, args=("--mem-fraction-static", "0.75")).fit is Fit.TOO_LARGE


def test_gpus_of_a_replica_share_the_load() -> None:
    resource = POOLS["t4"].resource.model_copy(update={"count": 2})
    pair = POOLS["t4"].model_copy(update={"resource": resource})
    needed = footprint(qwen3("8B"), gpu=pair, dtype=Dtype.FLOAT16, quantization=None, context_length=8192)
    assert needed.fit is Fit.ROOMY
