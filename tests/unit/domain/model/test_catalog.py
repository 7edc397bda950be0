"""The table of models, and lookups in it."""

import pytest
from embedding_operator.api.v1alpha1.model import Architecture, ModelSpec
from embedding_operator.domain.model.catalog import KNOWN_MODELS, KnownModel, Pooling, known_model, pools_by_mean


def hub(repository: str) -> ModelSpec:
    return ModelSpec.model_validate({"huggingFace": {"repo": repository}})


def test_finds_a_repository_in_any_case() -> None:
    found = known_model(hub("qwen/QWEN3-embedding-0.6b"))
    assert found is not None
    assert found.repository == "Qwen/Qwen3-Embedding-0.6B"
    assert found.dimension == 1024


@pytest.mark.parametrize(
    "model",
    [
        hub("someone/fine-tuned"),
        ModelSpec.model_validate({"volume": {"claimName": "models", "path": "Qwen/Qwen3-Embedding-0.6B"}}),
        ModelSpec.model_validate({"image": {"reference": "Qwen/Qwen3-Embedding-0.6B"}}),
    ],
)
def test_knows_nothing_of_other_models(model: ModelSpec) -> None:
    assert known_model(model) is None
    assert not pools_by_mean(model)


@pytest.mark.parametrize(
    "repository", ["intfloat/multilingual-e5-large", "THENLPER/gte-base", "sentence-transformers/all-MiniLM-L6-v2"]
)
def test_knows_which_models_pool_by_mean(repository: str) -> None:
    assert pools_by_mean(hub(repository))


def test_no_model_that_may_run_pools_by_mean() -> None:
    assert not any(pools_by_mean(hub(model.repository)) for model in KNOWN_MODELS)


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.repository)
def test_facts_are_plausible(model: KnownModel) -> None:
    table = model.parameters - model.compute_parameters
    assert 0 < table < model.parameters
    # An embedding table has one row per token, and these tokenizers have 20 to 400 thousand tokens.
    # There may also be heads of the same size.
    assert 20_000 < table / model.dimension < 2 * 400_000
    assert model.kv_bytes_per_token % 1024 == 0
    assert model.max_context in {512, 2048, 4096, 8192, 32768}
    assert (model.pooling is Pooling.LAST) == (model.architecture is Architecture.DECODER)
