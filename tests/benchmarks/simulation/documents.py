"""Builders of result documents for the tests of the report."""

from benchmarks.simulation.results import Assumption, Curve, Document, Kind, Run, RunKey, Split, TraceFacts, Waits


def run(
    policy: str,
    *,
    cost: float,
    late: float = 0.0,
    kind: Kind = Kind.BASELINE,
    scenario: str = "a10",
    start: str = "D1",
    tuning: str = "tuned",
    seed: int = 0,
    events: float = 10.0,
    pools: tuple[str, ...] = ("a10",),
    parameters: dict[str, float | int | str | bool] | None = None,
) -> Run:
    """Return a week's run that costs `cost` per day."""
    return Run(
        key=RunKey(policy=policy, scenario=scenario, start=start, seed=seed, tuning=tuning),
        kind=kind,
        parameters=parameters or {},
        measured_days=7.0,
        requests=1000,
        tokens=100_000,
        answered=998,
        timed_out=1,
        dropped=1,
        waits=Waits(
            late_share={"0.5": late * 2, "1": late, "5": late / 2}, worst_window_share=late * 10, p50=0.01, p99=0.5
        ),
        pod_hours=dict.fromkeys(pools, cost),
        node_hours=dict.fromkeys(pools, cost),
        cost={"aws": cost * 7, "azure": cost * 21},
        events_per_day=events,
        pod_starts_per_day=events / 2,
    )


def curve(policy: str, *, hours: int = 2) -> Curve:
    points = hours * 60
    return Curve(
        key=RunKey(policy=policy, scenario="a10+t4", start="D1", seed=0, tuning="tuned"),
        begin=0.0,
        step=60.0,
        arrival=[1.0] * points,
        waiting=[float(point % 7) for point in range(points)],
        replicas={"a10": [2] * points, "t4": [1] * points},
        ready={"a10": [2] * points, "t4": [0] * points},
    )


def document(*runs: Run, name: str = "s26", split: Split = Split.TEST, curves: tuple[Curve, ...] = ()) -> Document:
    return Document(
        machine={"processor": "a CPU", "cores": 2},
        measured="2026-11-21",
        commit="abc1234",
        code=dict.fromkeys(Kind, "0123456789ab"),
        trace=TraceFacts(
            name=name,
            source="ServeGen client 26",
            split=split,
            begin=604800.0,
            end=1209600.0,
            scale=8.0,
            scaling="rates x 8",
            mean_requests_per_second=328.0,
            mean_tokens_per_second=21320.0,
            peak_tokens_per_second=60000.0,
            mean_tokens_per_request=65.0,
            masked_hours=6.2,
        ),
        assumptions=(Assumption(name="node linger", value="60 s", source="assumed"),),
        currencies={"aws": "USD", "azure": "USD"},
        runs=runs,
        curves=curves,
    )
