"""The replay: each request at its moment, to the engine with the fewest open ones."""

import json
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from embedding_operator.rendering.names import PORT

from benchmarks.agreement import ENGINE_OPTIONS, ENGINES
from benchmarks.replay import NO_ENGINE, replay
from benchmarks.replayed_hour import Requests
from e2e.harness.engine_fleet import running_fleet

ADDRESSES = ("127.0.0.11", "127.0.0.12")


def requests(count: int, *, tokens: int) -> Requests:
    return Requests(instants=np.linspace(0.2, 0.6, count), tokens=np.full(count, tokens))


def test_equal_requests_are_shared_equally(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "log", options=ENGINE_OPTIONS, environment=ENGINES):
        begun = time.monotonic()
        replayed = replay(requests(20, tokens=50), begun=begun, addresses=lambda: ADDRESSES)
        took = time.monotonic() - begun
        computed = [_tokens(address) for address in ADDRESSES]

    assert (replayed.sent, replayed.failed) == (20, {})
    assert computed == [500, 500]
    assert took > 0.6, "the last is sent at its moment"


def test_requests_that_no_engine_is_there_for_are_counted() -> None:
    replayed = replay(requests(3, tokens=1), begun=time.monotonic(), addresses=tuple)

    assert (replayed.sent, replayed.failed) == (3, {NO_ENGINE: 3})


def _tokens(address: str) -> int:
    with urlopen(f"http://{address}:{PORT}/v1/loads", timeout=5) as answer:
        return int(json.load(answer)["loads"][0]["total_prefill_uncached_tokens"])
