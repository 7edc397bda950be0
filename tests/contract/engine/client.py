"""A client of an engine, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

EMBEDDINGS = {"endpoint": "/v1/embeddings", "method": "POST"}
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of a response; the body is None if it is not JSON."""

    status: int
    body: Any


class EngineClient:
    """One engine's endpoints."""

    def __init__(self, url: str, *, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def embed(self, texts: object, **fields: object) -> Answer:
        """Return the response to a request for embeddings."""
        return await self.post("/v1/embeddings", {"model": "minilm", "input": texts, **fields})

    async def post(self, path: str, document: object) -> Answer:
        """Return the response to a JSON document."""
        async with self._session.post(self.url + path, json=document) as response:
            return await _answer(response)

    async def post_bytes(self, path: str, content: bytes, *, content_type: str) -> Answer:
        """Return the response to a body that need not be JSON."""
        headers = {"Content-Type": content_type}
        async with self._session.post(self.url + path, data=content, headers=headers) as response:
            return await _answer(response)

    async def get(self, path: str) -> Answer:
        """Return the response to a GET."""
        async with self._session.get(self.url + path) as response:
            return await _answer(response)

    async def metrics(self) -> dict[str, Metric]:
        """Return the metric families by name; a counter's is without `_total`."""
        async with self._session.get(f"{self.url}/metrics") as response:
            assert response.status == 200
            text = await response.text()
        return {family.name: family for family in text_string_to_metric_families(text)}

    async def value(self, sample_name: str, **labels: str) -> float:
        """Return the value of the only sample with these labels, 0 if there is none yet."""
        family = (await self.metrics()).get(sample_name.removesuffix("_total"))
        samples = [
            sample
            for sample in (family.samples if family else [])
            if sample.name == sample_name and labels.items() <= sample.labels.items()
        ]
        assert len(samples) <= 1, samples
        return samples[0].value if samples else 0.0

    async def in_flight(self) -> float:
        """Return the number of embedding calls in progress."""
        return await self.value("sglang:http_requests_active", **EMBEDDINGS)

    async def load(self) -> dict[str, Any]:
        """Return the only entry of `/v1/loads`."""
        answer = await self.get("/v1/loads")
        assert answer.status == 200
        (entry,) = answer.body["loads"]
        return dict(entry)


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    is_json = response.content_type == "application/json"
    return Answer(response.status, await response.json() if is_json else None)
