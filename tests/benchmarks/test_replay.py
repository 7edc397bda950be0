"""The replay: each request at its time, to the engine with the fewest open requests."""

import json
import time
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from embedding_operator.rendering.names import PORT

from benchmarks.agreement import ENGINE_OPTIONS, ENGINES
from benchmarks.replay import NO_ENGINE, LeastOpen, replay
from benchmarks.replayed_hour import Requests
from testbed.harness.engine_fleet import running_fleet

ADDRESSES = ("127.0.0.11", "127.0.0.12")


def requests(count: int, *, tokens: int) -> Requests:
    return Requests(instants=np.linspace(0.2, 0.6, count), tokens=np.full(count, tokens))


def test_open_requests_are_shared_equally() -> None:
    balancer = LeastOpen()

    opened = [balancer.open(ADDRESSES) for _ in range(20)]

    assert [opened.count(address) for address in ADDRESSES] == [10, 10]


def test_the_engine_with_the_fewest_open_requests_is_next() -> None:
    balancer = LeastOpen()
    for _ in range(4):
        balancer.open(ADDRESSES)

    balancer.close(ADDRESSES[1])

    assert balancer.open(ADDRESSES) == ADDRESSES[1]


def test_engines_without_open_requests_take_turns() -> None:
    balancer, chosen = LeastOpen(), []
    for _ in range(4):
        address = balancer.open(ADDRESSES)
        assert address is not None
        balancer.close(address)
        chosen.append(address)

    assert chosen[:2] == chosen[2:]
    assert set(chosen) == set(ADDRESSES)


def test_every_request_reaches_an_engine(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "log", options=ENGINE_OPTIONS, environment=ENGINES):
        begun = time.monotonic()
        replayed = replay(requests(20, tokens=50), begun=begun, addresses=lambda: ADDRESSES)
        took = time.monotonic() - begun
        computed = [_tokens(address) for address in ADDRESSES]

    assert (replayed.sent, replayed.failed) == (20, {})
    assert sum(computed) == 1000
    assert all(computed), "each engine has its share, however fast it answers"
    assert took > 0.6, "the last is sent at its moment"


def test_requests_that_no_engine_is_there_for_are_counted() -> None:
    replayed = replay(requests(3, tokens=1), begun=time.monotonic(), addresses=tuple)

    assert (replayed.sent, replayed.failed) == (3, {NO_ENGINE: 3})


def _tokens(address: str) -> int:
    with urlopen(f"http://{address}:{PORT}/v1/loads", timeout=5) as answer:
        return int(json.load(answer)["loads"][0]["total_prefill_uncached_tokens"])
