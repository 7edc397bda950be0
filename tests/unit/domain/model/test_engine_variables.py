"""Which environment variables services and pools may set."""

import pytest
from embedding_operator.domain.model.engine_variables import (
    MANAGED_VARIABLES,
    NODE_VARIABLES,
    managed_refusal,
    variable_refusal,
)


@pytest.mark.parametrize("name", sorted(MANAGED_VARIABLES))
def test_neither_services_nor_pools_set_what_the_operator_manages(name: str) -> None:
    assert (
        managed_refusal(name)
        == variable_refusal(name)
        == f"{name} is managed by the operator: {MANAGED_VARIABLES[name]}"
    )


@pytest.mark.parametrize("name", sorted(NODE_VARIABLES))
def test_what_depends_on_the_node_is_for_pools(name: str) -> None:
    assert managed_refusal(name) is None
    assert variable_refusal(name) == f"{name} is managed by the operator: {NODE_VARIABLES[name]}"


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "PATH",
        "BASH_ENV",
        "NCCL_NET_PLUGIN",
        "SGLANG_PLUGINS",
        "SGLANG_EXTERNAL_MODEL_PACKAGE",
        "SGLANG_HTTP_SERVER_APP_PATH",
        "SGLANG_LOG_REQUEST_HEADERS",
        "SGLANG_CUDA_COREDUMP_DIR",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "https_proxy",
        "SSL_CERT_FILE",
        "TRANSFORMERS_CACHE_DIR",
        "HF_HUB_TOKEN",
    ],
)
def test_what_loads_places_or_shows_is_for_pools(name: str) -> None:
    assert managed_refusal(name) is None
    assert (variable_refusal(name) or "").startswith(f"{name} may only be set in a GPUPool: ")


@pytest.mark.parametrize(
    "name",
    ["OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "NCCL_DEBUG", "SGLANG_REQ_WAITING_TIMEOUT", "LOG_FORMAT", "LICENCE"],
)
def test_other_variables_are_permitted(name: str) -> None:
    assert variable_refusal(name) is None
