"""The constants of the simulation, read from `facts.yaml`, or from a file of the same format with better values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.tables import TraceError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Fact(BaseModel):
    """A constant with its source."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    source: str


class ServerFact(Fact):
    """How fast a model is on a GPU."""

    model: str
    gpu: str
    floor: NotNegative
    per_batch: NotNegative
    per_token: Positive
    per_request: NotNegative
    batch_tokens: Annotated[int, Field(ge=1)]
    batch_requests: Annotated[int, Field(ge=1)]

    def server(self) -> Server:
        """Return the server that the simulation uses."""
        return Server(**self.model_dump(exclude={"model", "gpu"}))


class GPUFact(BaseModel):
    """What a GPUPool states about its GPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    computeCapability: str  # noqa: N815 - as the GPUPool spells it
    memoryGiB: int  # noqa: N815
    tensorTFLOPS: int  # noqa: N815


class Prices(BaseModel):
    """One provider's prices of a replica-hour by GPU."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Positive]

    name: str
    currency: str
    date: date
    source: str

    def of(self, gpu: str) -> float | None:
        """Return the price of one hour; None if the provider has no such GPU."""
        return self.__pydantic_extra__.get(gpu)


class StartFact(Fact):
    """How long pods take to become Ready."""

    name: str
    median: Positive
    sigma: NotNegative


class NodesFact(Fact):
    """How nodes are billed."""

    linger_seconds: NotNegative
    minimum_seconds: NotNegative


class GatewayFact(Fact):
    """The source of the gateway's values."""


class Facts(BaseModel):
    """All facts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gateway: GatewayFact
    servers: tuple[ServerFact, ...]
    gpus: Mapping[str, GPUFact]
    prices: tuple[Prices, ...]
    starts: tuple[StartFact, ...]
    nodes: NodesFact

    def server(self, *, model: str, gpu: str) -> Server:
        """Return the server of `model` on `gpu`; raise `KeyError` if it is unknown."""
        for fact in self.servers:
            if (fact.model, fact.gpu) == (model, gpu):
                return fact.server()
        message = f"the speed of {model} on {gpu} is unknown: add it to servers, with its source"
        raise KeyError(message)

    def gpu_of(self, *, compute_capability: str | None, tensor_tflops: int | None) -> str | None:
        """Return the GPU of these properties; None if the facts have none."""
        asked = (compute_capability, tensor_tflops)
        known = ((name, (gpu.computeCapability, gpu.tensorTFLOPS)) for name, gpu in self.gpus.items())
        return next((name for name, properties in known if properties == asked), None)

    def start(self, name: str) -> StartFact:
        """Return the cold starts called `name`; raise `KeyError` if there are none."""
        known = {start.name: start for start in self.starts}
        if name not in known:
            message = f"unknown cold starts {name}: choose from {', '.join(known)}"
            raise KeyError(message)
        return known[name]


@dataclass(frozen=True, slots=True)
class Stated:
    """One constant as text, for the results page."""

    name: str
    value: str
    source: str


def read_facts(path: Path | None = None) -> Facts:
    """Return the facts in `path`, or the built-in ones; raise `TraceError` if the file cannot be used."""
    text = (files(__package__) / "facts.yaml").read_text(encoding="utf-8") if path is None else path.read_text("utf-8")
    try:
        return Facts.model_validate(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        message = f"{path.name if path else 'facts.yaml'}: {error}"
        raise TraceError(message) from error


def stated(facts: Facts) -> tuple[Stated, ...]:
    """Return every constant with its source."""
    return (
        *(
            Stated(
                f"{fact.model} on {fact.gpu}",
                _speed(fact),
                fact.source,
            )
            for fact in facts.servers
        ),
        *(Stated(fact.name, f"median {fact.median:g} s, sigma {fact.sigma:g}", fact.source) for fact in facts.starts),
        *(
            Stated(prices.name, f"{prices.currency} per hour: {_listed(prices)}", f"{prices.source}, {prices.date}")
            for prices in facts.prices
        ),
        Stated("nodes", f"linger {facts.nodes.linger_seconds:g} s", facts.nodes.source),
    )


def _listed(prices: Prices) -> str:
    return ", ".join(f"{gpu} {price:g}" for gpu, price in prices.__pydantic_extra__.items())


def _speed(fact: ServerFact) -> str:
    batch = f"{fact.per_batch:g} + {fact.per_token:g} * tokens"
    most = f"at most {fact.batch_tokens} tokens and {fact.batch_requests} requests"
    return f"max({fact.floor:g}, {batch}, {fact.per_request:g} * requests) s, {most}"
