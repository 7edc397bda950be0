"""The results of a simulated benchmark: one JSON document per trace and split, read and written as a whole.

A document has `runs`, one for each policy, cold start and seed, and `curves`, one day of some runs for plots. Bounds
(the clairvoyants) are also runs, of kind `bound`. Runs of one trace, start and seed have the same requests.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter


class Split(StrEnum):
    """The part of a trace: policies are tuned on the train week and evaluated on the test week."""

    TRAIN = "train"
    TEST = "test"


class Kind(StrEnum):
    """What a run represents."""

    OURS = "ours"
    ABLATION = "ablation"
    BASELINE = "baseline"
    BOUND = "bound"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """The identity of a run.

    `start` is a cold-start scenario (`D1`, `D2`, `D3`), `tuning` is `default` or `tuned`, `scenario` names the pools
    and the load: services with A10 alone and with A10 and T4 are different scenarios.
    """

    policy: str
    scenario: str
    start: str
    seed: int
    tuning: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long requests waited for their computation, in seconds. Those never computed exceed every threshold.

    `late_share` maps a threshold (`0.5`, `1`, `5`) to the share of requests (0 to 1) that waited longer;
    `worst_window_share` is the share later than 1 s in the worst five minutes.
    """

    late_share: Mapping[str, float]
    worst_window_share: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy on one trace with one seed. Only the measured span without the gaps of the trace counts.

    `requests` = `answered` + `timed_out` + `dropped`. `pod_hours` and `node_hours` are by pool: a pod counts from its
    order to its end, a node from the order of its first pod until it is released. `cost` maps a price table to node
    hours times prices, in the currency of the table. `events_per_day` counts changes of a pool's replicas.
    """

    key: RunKey
    kind: Kind
    parameters: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    measured_days: float
    requests: int
    tokens: int
    answered: int
    timed_out: int
    dropped: int
    waits: Waits
    pod_hours: Mapping[str, float]
    node_hours: Mapping[str, float]
    cost: Mapping[str, float]
    events_per_day: float
    pod_starts_per_day: float
    idle_pod_hours: float = 0.0
    decisions: int = 0
    wall_seconds: float = 0.0
    decide_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One day of a run, with one value per `step` seconds from `begin` (seconds since the trace began).

    `arrival` is in tokens per second, `waiting` in requests, `replicas` (desired) and `ready` are by pool.
    """

    key: RunKey
    begin: float
    step: float
    arrival: Sequence[float]
    waiting: Sequence[float]
    replicas: Mapping[str, Sequence[int]]
    ready: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """The trace that was run: its source, its scaling, and what was left out.

    Rates refer to the scaled trace and its measured span. `peak_tokens_per_second` is the 99.9th percentile of its
    windows. `masked_hours` lie in gaps of the source.
    """

    name: str
    source: str
    split: Split
    begin: float
    end: float
    scale: float
    scaling: str
    mean_requests_per_second: float
    mean_tokens_per_second: float
    peak_tokens_per_second: float
    mean_tokens_per_request: float
    masked_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One constant of the simulation with its source."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything that was run on one trace and split.

    `measured` and `commit` refer to the latest run, `code` is the digest of the sources of its runs, by kind.
    """

    machine: Mapping[str, str | int]
    measured: str
    commit: str
    trace: TraceFacts
    assumptions: tuple[Assumption, ...]
    currencies: Mapping[str, str]
    runs: tuple[Run, ...]
    code: Mapping[Kind, str]
    curves: tuple[Curve, ...] = ()

    def merged(self, older: "Document") -> "Document":
        """Return this document with the runs and curves of `older` that it lacks.

        Runs from other code, or from another trace, scale or set of assumptions, are not taken over.
        """
        if (older.trace, older.assumptions) != (self.trace, self.assumptions):
            return self
        same = {run.key: run for run in older.runs if older.code.get(run.kind) == self.code[run.kind]}
        runs = same | {run.key: run for run in self.runs}
        curves = {curve.key: curve for curve in older.curves if curve.key in same}
        curves |= {curve.key: curve for curve in self.curves}
        return replace(
            self,
            runs=tuple(runs[key] for key in sorted(runs, key=_order)),
            curves=tuple(curves[key] for key in sorted(curves, key=_order)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over seeds and its 95 % confidence interval by Student's t; without width if there is one seed."""

    mean: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Interval":
        """Return the interval of `values`; raise `ValueError` if there are none."""
        known = list(values)
        if not known:
            raise ValueError("an interval needs at least one value")
        mean = statistics.fmean(known)
        if len(known) == 1:
            return cls(mean=mean, low=mean, high=mean, count=1)
        half = _student(len(known) - 1) * statistics.stdev(known) / math.sqrt(len(known))
        return cls(mean=mean, low=mean - half, high=mean + half, count=len(known))


_ADAPTER = TypeAdapter(Document)
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""The 97.5th percentile of Student's t for 1, 2, … degrees of freedom; beyond, the last applies, a little too wide."""


def read(path: Path) -> Document:
    """Return the document in `path`; raise `pydantic.ValidationError` if it is not valid."""
    return _ADAPTER.validate_json(path.read_bytes())


def write(document: Document, path: Path) -> None:
    """Write `document` to `path`, creating its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_ADAPTER.dump_json(document) + b"\n")


def path_of(folder: Path, *, trace: str, split: Split) -> Path:
    """Return the path of the document of a trace and split in `folder`."""
    return folder / f"{trace}-{split}.json"


def _order(key: RunKey) -> tuple[str, str, str, str, int]:
    return key.scenario, key.start, key.policy, key.tuning, key.seed


def _student(freedom: int) -> float:
    return _STUDENT[min(freedom, len(_STUDENT)) - 1]
