"""The metrics that docs/gateway.md recommends to watch are those of the real HAProxy."""

from __future__ import annotations

import re

from testbed.readme import GATEWAY
from tests.contract.gateway_config.engines import LOOPBACK, Engine
from tests.contract.gateway_config.gateway import Gateway

SERIES = re.compile(r"(haproxy_\w+)\{([^}]*)\}")
LABEL = re.compile(r'(\w+)="([^"]*)"')


async def test_every_series_that_is_documented_exists(door: Gateway, engine: Engine) -> None:
    assert (await door.embed()).status == 200
    async with door.http.get(f"http://{LOOPBACK}:{door.config.metrics_port}/metrics") as answer:
        exposed = [(name, dict(LABEL.findall(labels))) for name, labels in SERIES.findall(await answer.text())]

    documented = [(name, dict(LABEL.findall(labels))) for name, labels in SERIES.findall(GATEWAY.read_text("utf-8"))]

    assert documented
    for name, labels in documented:
        matching = [each for found, each in exposed if found == name and labels.items() <= each.items()]
        assert matching, (name, labels)
