"""HAProxy's configuration and its Lua script follow the contract that the operator and the agent import."""

import pytest
from embedding_operator.gateway_contract import AGENT_PORT, BACKEND, METRICS_PORT, POKE_PATH
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config

FILES = gateway_config(GatewayConfig(service="qwen", namespace="search"))


@pytest.mark.parametrize(
    "line",
    [f"default_backend {BACKEND}", f"backend {BACKEND}", f"bind 0.0.0.0:{METRICS_PORT} ", f"lua.poke {AGENT_PORT} "],
)
def test_the_configuration_names_what_the_agent_and_the_operator_look_for(line: str) -> None:
    assert line in FILES.haproxy_cfg


@pytest.mark.parametrize("text", [f"POST {POKE_PATH} HTTP/1.1", f'nbsrv("{BACKEND}")'])
def test_the_script_does_too(text: str) -> None:
    assert text in FILES.lua
