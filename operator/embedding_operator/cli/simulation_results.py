"""The results of a service on a trace, beside those of alternatives: what `simulate` prints, and its JSON."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Result(BaseModel):
    """A part of the results; its JSON is in camelCase, like everything that kubectl prints."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True)


class Late(Result):
    """Late requests, as shares of all requests (0 to 1)."""

    after_half_second: float
    after_one_second: float
    after_five_seconds: float
    after_one_second_in_worst_five_minutes: float
    given_up: float


class Played(Result):
    """The result of one way to scale. `cost` is per day in the currency of the trial; waits are in seconds."""

    name: str
    cost: float
    gpu_hours: dict[str, float]
    late: Late
    wait_p50: float
    wait_p99: float
    scale_events: float
    pod_starts: float


class PoolFacts(Result):
    """The assumed maximum speed and hourly price of one replica; `source` says where the speed is from."""

    name: str
    tokens_per_second: float
    requests_per_second: float
    source: str
    price_per_hour: float
    max_replicas: int


class Curve(Result):
    """One day of the service: means of each `step` seconds from `begin` on, in seconds since the trace began."""

    begin: float
    step: float
    tokens_per_second: tuple[float, ...]
    waiting: tuple[int, ...]
    replicas: dict[str, tuple[int, ...]]
    ready: dict[str, tuple[int, ...]]


class Trial(Result):
    """The complete result. The first of `played` is the service as defined in its file."""

    service: str
    trace: str
    source: str
    scale: float
    first_day: float
    last_day: float
    measured_days: float
    start: str
    start_seconds: float
    seed: int
    requests: int
    requests_per_second: float
    tokens_per_second: float
    peak_tokens_per_second: float
    currency: str
    price_source: str
    pools: tuple[PoolFacts, ...]
    played: tuple[Played, ...]
    curve: Curve
    notes: tuple[str, ...] = ()
