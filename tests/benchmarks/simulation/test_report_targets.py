import pytest

from benchmarks.simulation.results import Kind, Run
from benchmarks.simulation.summary import CLAIRVOYANT, FORESIGHT, Row, prices_of, rows
from benchmarks.simulation.targets import Outcome, Verdict, losses, savings, share, verdicts
from tests.benchmarks.simulation.documents import document, run

FAIR = "KEDA queue + rate"


def ours(*, cost: float, late: float = 0.0, events: float = 10.0, start: str = "D1", tuning: str = "tuned") -> Run:
    return run("Embedding Operator", kind=Kind.OURS, cost=cost, late=late, events=events, start=start, tuning=tuning)


def bound(*, cost: float, policy: str = CLAIRVOYANT, seed: int = 0) -> Run:
    return run(policy, kind=Kind.BOUND, cost=cost, tuning="default", seed=seed)


def summarised(*runs: Run) -> tuple[Row, ...]:
    return rows(document(*runs), prices="aws")


def judged(*runs: Run) -> list[Verdict]:
    return list(verdicts("s26", rows=summarised(*runs)))


def outcomes(*runs: Run, target: str) -> list[Outcome]:
    return [verdict.outcome for verdict in judged(*runs) if target in verdict.target]


def test_a_row_is_the_mean_of_its_seeds_and_its_ratio_is_taken_seed_by_seed() -> None:
    (clairvoyant, row) = summarised(
        run("KubeAI", cost=20, late=0.01, seed=0),
        run("KubeAI", cost=30, late=0.03, seed=1),
        bound(cost=10, seed=0),
        bound(cost=20, seed=1),
    )
    assert clairvoyant.policy == CLAIRVOYANT
    assert (row.seeds, row.cost.mean) == (2, 25.0)
    assert row.late.mean == pytest.approx(0.02)
    assert row.ratio is not None
    assert row.ratio.mean == pytest.approx((20 / 10 + 30 / 20) / 2)
    assert row.unanswered.mean == 0.002


def test_costs_are_per_day_in_the_first_price_table() -> None:
    described = document(run("KubeAI", cost=20))
    assert prices_of(described) == "aws"
    assert rows(described, prices="azure")[0].cost.mean == 60.0
    assert rows(described, prices="alibaba") == ()


def test_no_ratio_unless_every_seed_has_its_clairvoyant() -> None:
    row = summarised(run("KubeAI", cost=20, seed=0), run("KubeAI", cost=20, seed=1), bound(cost=10, seed=0))[-1]
    assert row.ratio is None


@pytest.mark.parametrize(
    ("cost", "late", "expected"),
    [
        pytest.param(12.5, 0.005, Outcome.MET, id="at both limits"),
        pytest.param(12.6, 0.0, Outcome.MISSED, id="too dear"),
        pytest.param(11.0, 0.0051, Outcome.MISSED, id="too late"),
    ],
)
def test_cheap_and_punctual(cost: float, late: float, expected: Outcome) -> None:
    assert outcomes(ours(cost=cost, late=late), bound(cost=10), target="clairvoyant") == [expected]


def test_a_missed_target_tells_what_perfect_foresight_of_a_lead_achieves() -> None:
    (verdict,) = [
        verdict
        for verdict in judged(ours(cost=14), bound(cost=10), bound(cost=13, policy=FORESIGHT))
        if "clairvoyant" in verdict.target
    ]
    assert verdict.figures == "1.40 x, 0.00 % late; a perfect forecast of one lead: 1.30 x, 0.00 % late"


def test_without_a_clairvoyant_nothing_is_claimed() -> None:
    assert outcomes(ours(cost=1), target="clairvoyant") == [Outcome.UNKNOWN]


@pytest.mark.parametrize(("events", "expected"), [(60.0, Outcome.MET), (60.1, Outcome.MISSED)])
def test_calm(events: float, expected: Outcome) -> None:
    assert outcomes(ours(cost=1, events=events), target="changes") == [expected]


@pytest.mark.parametrize(
    ("cost", "late", "expected"),
    [
        pytest.param(9, 0.03, Outcome.MET, id="later but cheaper"),
        pytest.param(11, 0.01, Outcome.MET, id="dearer but less late"),
        pytest.param(11, 0.02, Outcome.MET, id="dearer and as late"),
        pytest.param(11, 0.03, Outcome.MISSED, id="dearer and later"),
    ],
)
def test_not_worse_than_the_fair_baseline(cost: float, late: float, expected: Outcome) -> None:
    assert outcomes(ours(cost=cost, late=late), run(FAIR, cost=10, late=0.02), target=FAIR) == [expected]


def test_the_fair_baseline_is_met_with_its_defaults_and_tuned_and_with_every_cold_start() -> None:
    runs = [
        *(ours(cost=9, start=start) for start in ("D1", "D3")),
        *(run(FAIR, cost=10, start=start, tuning=tuning) for start in ("D1", "D3") for tuning in ("default", "tuned")),
    ]
    assert outcomes(*runs, target=FAIR) == [Outcome.MET] * 4


def test_the_fair_baseline_of_the_same_pools_is_the_one_to_meet() -> None:
    both = run("Embedding Operator", kind=Kind.OURS, cost=9, late=0.1, scenario="a10+t4", pools=("a10", "t4"))
    elsewhere = run(FAIR, cost=8)
    assert outcomes(both, elsewhere, target=FAIR) == [Outcome.MISSED]
    assert outcomes(both, elsewhere, run(FAIR, cost=10, scenario="a10+t4"), target=FAIR) == [Outcome.MET]


def test_tuned_settings_are_judged_where_there_are_any() -> None:
    tuned = judged(ours(cost=11), ours(cost=20, tuning="default"), bound(cost=10))
    assert [verdict.figures for verdict in tuned if "clairvoyant" in verdict.target] == ["1.10 x, 0.00 % late"]
    untuned = judged(ours(cost=12, tuning="default"), bound(cost=10))
    assert [verdict.figures for verdict in untuned if "clairvoyant" in verdict.target] == ["1.20 x, 0.00 % late"]


def test_losses_are_every_baseline_that_beats_us() -> None:
    found = losses(
        summarised(
            ours(cost=10, late=0.002),
            run("HPA queue", cost=10, late=0.001),
            run("KEDA queue", cost=9, late=0.002),
            run("KubeAI", cost=10, late=0.002),
            run("Knative KPA", cost=9, late=0.003),
            run("Static peak", cost=9, late=0.001, start="D2"),
        )
    )
    assert {theirs.policy for _, theirs in found} == {"HPA queue", "KEDA queue"}


def test_savings_hold_several_pools_against_the_static_peak_of_one() -> None:
    both = run("Embedding Operator", kind=Kind.OURS, cost=6, scenario="a10+t4", pools=("a10", "t4"))
    pairs = list(savings(summarised(both, ours(cost=8), run("Static peak", cost=10), run("KubeAI", cost=9))))
    assert [(mine.scenario, static.scenario, static.policy) for mine, static in pairs] == [
        ("a10+t4", "a10", "Static peak")
    ]


@pytest.mark.parametrize(("part", "expected"), [(0.0, "0.00 %"), (0.00123, "0.12 %"), (0.5, "50.0 %")])
def test_shares(part: float, expected: str) -> None:
    assert share(part) == expected
