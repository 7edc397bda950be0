"""What the benchmark of the gateway sends, and how it computes its results."""

import json

import pytest

from benchmarks.gateway import OURS, ROUTER, SERVICE, added, request


@pytest.mark.parametrize(("size", "texts"), [(253, 1), (100_000, 64), (100_001, 64)])
def test_a_request_has_its_size_and_its_texts(size: int, texts: int) -> None:
    body = request(size=size, texts=texts)

    assert len(body) == size
    assert len(json.loads(body)["input"]) == texts
    assert all(json.loads(body)["input"])


def test_the_latency_that_a_gateway_adds_is_told_apart_from_a_busy_round() -> None:
    quiet = {SERVICE: figures(0.1, 0.4), OURS: figures(0.2, 0.6), ROUTER: figures(0.3, 0.9)}
    busy = {SERVICE: figures(0.9, 5.4), OURS: figures(1.0, 5.6), ROUTER: figures(1.1, 5.9)}
    odd = {SERVICE: figures(0.1, 0.4), OURS: figures(0.9, 9.4), ROUTER: figures(0.3, 0.9)}

    assert added([quiet, busy, odd], door=OURS) == {"p50_ms": 0.1, "p99_ms": 0.2, "p99_ms_of_rounds": [0.2, 0.2, 9.0]}
    assert added([quiet, busy, odd], door=ROUTER)["p99_ms"] == 0.5


def figures(p50: float, p99: float) -> dict[str, float]:
    return {"p50_ms": p50, "p99_ms": p99}
