"""The speed and the price of one replica of a service on each of its pools: measured, stated, or estimated.

A pool's own `tokensPerSecond` takes precedence, then the simulator's facts for its model and GPU, then the operator's
own estimate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.pools import PoolBounds, PoolSpec
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.service_file import ServiceFile
from embedding_operator.domain.capacity.estimate import replica_capacity
from embedding_operator.domain.model.catalog import known_model
from embedding_operator.simulation import cluster
from embedding_operator.simulation.facts import Facts, Prices
from embedding_operator.simulation.servers import Server, server_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """A server, and the source of its values."""

    server: Server
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price of a replica-hour by pool. `source` says whose prices these are."""

    currency: str
    source: str
    prices: dict[str, float]


def pools_of(file: ServiceFile, *, facts: Facts, tariff: Tariff) -> tuple[cluster.SimPoolSpec, ...]:
    """Return the pools for the simulation; raise `CommandError` if the speed of one is unknown."""
    return tuple(_pool(file, entry, facts=facts, price=tariff.prices[entry.gpu_pool]) for entry in file.spec.pools)


def speed_of(file: ServiceFile, *, pool: str, facts: Facts) -> Speed:
    """Return the speed of one replica on `pool`; raise `CommandError` if it is unknown."""
    capacity = replica_capacity(file.spec, pool=pool, gpu=file.gpu_pools.get(pool)).tokens_per_second
    index, entry = next((index, each) for index, each in enumerate(file.spec.pools) if each.gpu_pool == pool)
    if entry.tokens_per_second is not None:
        return Speed(server=server_of(capacity), source="tokensPerSecond in the file")
    model, gpu = _model(file), _gpu(file.gpu_pools[pool], facts=facts)
    for fact in facts.servers:
        if (fact.model, fact.gpu) == (model, gpu):
            return Speed(server=fact.server(), source=fact.source)
    if known_model(file.spec.model) is None:
        servers = ", ".join(f"{fact.model} on {fact.gpu}" for fact in facts.servers)
        message = (
            f"spec.pools[{index}]: the speed of {model or 'this model'} on {pool} is unknown: set tokensPerSecond of "
            f"one replica, beside gpuPool, or add it to the file of --facts; there are facts for {servers}"
        )
        raise CommandError(message)
    source = "estimate: the operator's initial value for this model and GPU; set tokensPerSecond if you measured it"
    return Speed(server=server_of(capacity), source=source)


def tariff_of(file: ServiceFile, *, facts: Facts) -> Tariff:
    """Return prices: those in the file if it has any, else from the first table with all GPUs, else GPU-hours.

    Raise `CommandError` if the file prices only some of the pools.
    """
    names = [pool.gpu_pool for pool in file.spec.pools]
    said = {name: float(price) for name, price in _said(file)}
    unsaid = [name for name in names if name not in said]
    if said and unsaid:
        message = (
            f"GPUPool {unsaid[0]}: spec.pricePerHour is missing, but set for {', '.join(said)}: set it for every pool "
            "of the service, or for none"
        )
        raise CommandError(message)
    if said:
        return Tariff(currency="", source="pricePerHour of the GPUPools", prices=said)
    for table in facts.prices:
        prices = _from(table, file=file, facts=facts)
        if prices is not None:
            return Tariff(currency=table.currency, source=f"{table.name}, {table.date}", prices=prices)
    hours = "not every pool has a known price, so a replica-hour counts as 1: set spec.pricePerHour in the GPUPools"
    return Tariff(currency="replica-hours", source=hours, prices=dict.fromkeys(names, 1.0))


def _said(file: ServiceFile) -> Iterator[tuple[str, str]]:
    for pool in file.spec.pools:
        price = file.gpu_pools[pool.gpu_pool].price_per_hour if pool.gpu_pool in file.gpu_pools else None
        if price is not None:
            yield pool.gpu_pool, price


def _from(table: Prices, *, file: ServiceFile, facts: Facts) -> dict[str, float] | None:
    prices: dict[str, float] = {}
    for pool in file.spec.pools:
        gpu = _gpu(file.gpu_pools[pool.gpu_pool], facts=facts) if pool.gpu_pool in file.gpu_pools else None
        price = None if gpu is None else table.of(gpu)
        if price is None:
            return None
        prices[pool.gpu_pool] = price
    return prices


def _gpu(pool: GPUPoolSpec, *, facts: Facts) -> str | None:
    """Return the GPU in the facts that a replica on `pool` has; None if it has another, or several."""
    if pool.gpus != 1:
        return None
    return facts.gpu_of(compute_capability=pool.compute_capability, tensor_tflops=pool.tensor_tflops)


def _model(file: ServiceFile) -> str | None:
    repository = file.spec.model.hugging_face
    return None if repository is None else repository.repo.rpartition("/")[2]


def _pool(file: ServiceFile, entry: PoolSpec, *, facts: Facts, price: float) -> cluster.SimPoolSpec:
    bounds = [entry, *_in_windows(file, entry.gpu_pool)]
    most = max(each.max_replicas for each in bounds)
    capacity = replica_capacity(file.spec, pool=entry.gpu_pool, gpu=file.gpu_pools.get(entry.gpu_pool))
    return cluster.SimPoolSpec(
        name=entry.gpu_pool,
        gpu=entry.gpu_pool,
        server=speed_of(file, pool=entry.gpu_pool, facts=facts).server,
        tokens_per_second=capacity.tokens_per_second,
        hourly_price=price,
        min_replicas=0 if any(file.windows()) else entry.min_replicas,
        max_replicas=most,
        stock=most,
    )


def _in_windows(file: ServiceFile, pool: str) -> Iterator[PoolBounds]:
    for window in file.windows():
        yield from (each for each in window.pools if each.gpu_pool == pool)
