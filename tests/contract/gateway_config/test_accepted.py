"""HAProxy accepts every configuration that can be rendered, without a warning."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.gateway_config.gateway import DEFAULT, gateway, on_free_ports, write

MATRIX: dict[str, dict[str, Any]] = {
    "default": {},
    "keys": {"keys_required": True},
    "never holds": {"hold_seconds": 0},
    "keys and never holds": {"keys_required": True, "hold_seconds": 0},
    "smallest": {
        "queue_timeout_seconds": 1,
        "hold_seconds": 1,
        "body_limit_bytes": 1024,
        "poke_queue_per_engine": 1,
        "max_connections": 1,
        "request_timeout_seconds": 1,
        "client_timeout_seconds": 1,
        "response_timeout_seconds": 1,
    },
    "largest": {
        "queue_timeout_seconds": 86400,
        "hold_seconds": 86400,
        "body_limit_bytes": 64 * 1024**2,
        "poke_queue_per_engine": 100_000,
        "request_timeout_seconds": 3600,
        "client_timeout_seconds": 3600,
        "response_timeout_seconds": 3600,
    },
    "longest names": {"service": "s" * 63, "namespace": "n" * 63},
}


@pytest.mark.parametrize("name", MATRIX)
def test_the_configuration_is_valid(name: str, haproxy: str, tmp_path: Path) -> None:
    config = replace(on_free_ports(DEFAULT, folder=tmp_path), **MATRIX[name])
    write(config, keys={})
    check = subprocess.run(
        [haproxy, "-c", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr
    assert "[WARNING]" not in check.stderr
    assert "[ALERT]" not in check.stderr


async def test_it_starts_stops_and_says_nothing_but_json(haproxy: str) -> None:
    async with gateway(haproxy) as door:
        assert (await door.ask("GET", "/health")).status == 200
        lines = (door.folder / "log").read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "[NOTICE]" not in line] == []
        assert (door.folder / "admin.sock").stat().st_mode & 0o777 == 0o600


async def test_the_metrics_port_serves_metrics_and_its_own_health(haproxy: str) -> None:
    async with gateway(haproxy) as door:
        url = f"http://{door.config.address}:{door.config.metrics_port}"
        async with door.http.get(f"{url}/metrics") as answer:
            text = await answer.text()
        assert 'haproxy_backend_current_queue{proxy="engines"} 0' in text
        assert 'haproxy_backend_current_sessions{proxy="engines"} 0' in text
        async with door.http.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with door.http.get(f"{url}/v1/models") as answer:
            assert answer.status == 404
