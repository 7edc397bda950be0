"""What came of a service on a trace, beside what others would have cost: what `simulate` prints, and its JSON."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Result(BaseModel):
    """camelCase outside, as everything that kubectl prints."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True)


class Late(Result):
    """Shares of all requests (0 to 1)."""

    after_half_second: float
    after_one_second: float
    after_five_seconds: float
    after_one_second_in_worst_five_minutes: float
    given_up: float


class Played(Result):
    """What one way to scale came to. `cost` is per day in the currency of the trial; waits are in seconds."""

    name: str
    cost: float
    gpu_hours: dict[str, float]
    late: Late
    wait_p50: float
    wait_p99: float
    scale_events: float
    pod_starts: float


class PoolFacts(Result):
    """What one replica was taken to compute at most, and to cost an hour; `source` says where the speed is from."""

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
    """All of it. The first of `played` is the service as its file has it."""

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
