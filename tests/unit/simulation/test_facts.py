"""The constants of the simulation: each with its source, and impossible ones are refused."""

from pathlib import Path

import pytest
from embedding_operator.simulation.facts import read_facts, stated
from embedding_operator.simulation.tables import TraceError

FACTS = read_facts()


def test_every_constant_has_a_source() -> None:
    assert all(each.source and each.value for each in stated(FACTS))
    assert {prices.currency for prices in FACTS.prices} == {"USD", "CNY"}


def test_a_provider_without_a_gpu_has_no_price_for_it() -> None:
    azure = next(prices for prices in FACTS.prices if prices.name == "azure-eastus")
    assert azure.of("l4") is None
    assert azure.of("t4") == 0.526


def test_an_a10_computes_what_its_peak_allows() -> None:
    a10, t4 = (FACTS.server(model="Qwen3-Embedding-4B", gpu=gpu) for gpu in ("a10", "t4"))
    fast, slow = (server.capacity(tokens_per_request=441.0, outstanding=64) for server in (a10, t4))
    assert 6000.0 < fast < 1 / a10.per_token
    assert slow / fast == pytest.approx(0.4, abs=0.02)


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(KeyError, match="the speed of Qwen3-Embedding-4B on h200 is unknown"):
        FACTS.server(model="Qwen3-Embedding-4B", gpu="h200")
    with pytest.raises(KeyError, match="choose from D1, D2, D3"):
        FACTS.start("D9")


@pytest.mark.parametrize("text", ["gateway: {source: x}", "prices: [", "servers: 3"])
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TraceError, match=r"mine\.yaml"):
        read_facts(path)
