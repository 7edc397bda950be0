"""The GPUPools that the installation includes."""

import re

import pytest
import yaml
from embedding_operator.api.v1alpha1.base import DNS_LABEL, POOL_NAME_LENGTH
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.admission.checks import problems
from embedding_operator.domain.model.catalog import KNOWN_MODELS, KnownModel
from embedding_operator.domain.model.resolution import BFLOAT16_CAPABILITY, capability

from tests.golden.cases import CATALOG, shipped_pools

POOLS = shipped_pools()


def test_the_common_products_are_there() -> None:
    assert set(POOLS) == {"t4", "a10", "a10g", "l4", "l40s", "a100", "h100"}


def test_no_two_pools_claim_the_same_nodes() -> None:
    selectors = [tuple(sorted(pool.node_selector.items())) for pool in POOLS.values()]
    assert len(set(selectors)) == len(selectors)


@pytest.mark.parametrize("name", POOLS)
def test_the_document_is_what_the_model_holds(name: str) -> None:
    document = yaml.safe_load(CATALOG.read_text(encoding="utf-8"))[name]
    # Unknown fields are ignored when an object is read: a misspelled one would be lost.
    assert GPUPoolSpec.model_validate(document).model_dump(by_alias=True, exclude_unset=True) == document


@pytest.mark.parametrize("name", POOLS)
def test_every_pool_is_complete(name: str) -> None:
    pool = POOLS[name]
    assert len(name) <= POOL_NAME_LENGTH
    assert pool.tensor_tflops
    assert [toleration.key for toleration in pool.tolerations] == [pool.resource.name]
    assert pool.node_selector.keys() == {"nvidia.com/gpu.product"}
    assert " " not in pool.node_selector["nvidia.com/gpu.product"]


@pytest.mark.parametrize("name", POOLS)
def test_a_common_model_runs_on_every_pool(name: str) -> None:
    for repository in ("Qwen/Qwen3-Embedding-0.6B", "BAAI/bge-m3"):
        spec = EmbeddingServiceSpec.model_validate(
            {"model": {"huggingFace": {"repo": repository}}, "pools": [{"gpuPool": name, "maxReplicas": 1}]}
        )
        assert problems(spec, pools=POOLS) == ()


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.repository)
def test_every_known_model_runs_on_a_large_pool(model: KnownModel) -> None:
    spec = EmbeddingServiceSpec.model_validate(
        {"model": {"huggingFace": {"repo": model.repository}}, "pools": [{"gpuPool": "a100", "maxReplicas": 1}]}
    )
    assert problems(spec, pools=POOLS) == ()


def test_only_old_gpus_need_the_experimental_settings() -> None:
    for pool in POOLS.values():
        generation = capability(pool)
        assert generation is not None, "the shipped pools have GPUs"
        old = generation < BFLOAT16_CAPABILITY
        assert bool(pool.engine.env) is old
        assert ("--attention-backend" in pool.engine.args) is old


def test_names_are_what_the_api_server_takes() -> None:
    assert all(re.fullmatch(DNS_LABEL, name) for name in POOLS)
