"""The gateway's configuration with default settings. `UPDATE_GOLDEN=1 pytest tests/golden` rewrites the file."""

import os
from pathlib import Path

from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config

FILE = Path(__file__).parent / "gateway" / "haproxy.cfg"


def test_the_default_configuration_is_as_expected() -> None:
    text = gateway_config(GatewayConfig(service="search", namespace="team", keys_required=True)).haproxy_cfg
    if os.environ.get("UPDATE_GOLDEN"):
        FILE.write_text(text, encoding="utf-8")
    assert text == FILE.read_text(encoding="utf-8")
