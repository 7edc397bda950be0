"""Compares the targets with the measurements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE

from benchmarks.simulation.choice import LATE_LIMIT
from benchmarks.simulation.results import Kind
from benchmarks.simulation.summary import FORESIGHT, Row

WARM = "D1"
COST_LIMIT = 1.25
EVENTS_LIMIT = 60.0
STATIC_PEAK = "Static peak"
TUNED = "tuned"


class Outcome(StrEnum):
    """Whether a target was met."""

    MET = "met"
    MISSED = "**missed**"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One target on one trace: the outcome, and the values that it is based on."""

    target: str
    trace: str
    outcome: Outcome
    figures: str


def verdicts(trace: str, *, rows: Sequence[Row]) -> tuple[Verdict, ...]:
    """Return the verdicts on one trace's test week."""
    ours = [row for row in judged(rows) if row.kind is Kind.OURS]
    return (
        *(_cheap_and_punctual(trace, ours=row, rows=rows) for row in ours if row.start == WARM),
        *(_calm(trace, ours=row) for row in ours if row.start == WARM),
        *(_not_worse(trace, ours=row, theirs=theirs) for row in ours for theirs in _fair(row, rows=rows)),
    )


def judged(rows: Sequence[Row]) -> list[Row]:
    """Return the rows to evaluate: tuned on the train week where available, else with defaults."""
    tuned = {(row.policy, row.scenario, row.start) for row in rows if row.tuning == TUNED}
    return [row for row in rows if row.tuning == TUNED or (row.policy, row.scenario, row.start) not in tuned]


def losses(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield (ours, baseline) wherever a baseline is neither more expensive nor later, and better in one of the two.

    Pools are a choice like any other: a baseline on one pool may beat ours on two, and vice versa.
    """
    for ours in rows:
        for theirs in rows:
            is_pair = ours.kind is Kind.OURS and theirs.kind is Kind.BASELINE and ours.start == theirs.start
            if is_pair and _beats(theirs, ours):
                yield ours, theirs


def savings(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield (ours on several pools, static peak) for each kind of cold start, from the same scenario where possible."""
    best = judged(rows)
    for ours in best:
        if ours.kind is not Kind.OURS or len(ours.pools) == 1:
            continue
        static = [row for row in best if (row.policy, row.start) == (STATIC_PEAK, ours.start)]
        if static:
            yield ours, min(static, key=lambda row: row.scenario != ours.scenario)


def share(part: float) -> str:
    """Return a share in percent, with enough digits to distinguish small ones."""
    return f"{part * 100:.{2 if part < 0.1 else 1}f} %"


def _cheap_and_punctual(trace: str, *, ours: Row, rows: Sequence[Row]) -> Verdict:
    target = f"at most {COST_LIMIT:g} x clairvoyant with at most {share(LATE_LIMIT)} late, warm starts"
    if ours.ratio is None:
        return Verdict(target=target, trace=_place(trace, ours), outcome=Outcome.UNKNOWN, figures="no clairvoyant")
    is_met = ours.ratio.mean <= COST_LIMIT and ours.late.mean <= LATE_LIMIT
    figures = f"{ours.ratio.mean:.2f} x, {share(ours.late.mean)} late"
    foresight = [row for row in rows if _is_foresight(row, ours=ours)]
    if not is_met and foresight and (ratio := foresight[0].ratio):
        figures += f"; a perfect forecast of one lead: {ratio.mean:.2f} x, {share(foresight[0].late.mean)} late"
    return Verdict(target=target, trace=_place(trace, ours), outcome=_outcome(is_met=is_met), figures=figures)


def _calm(trace: str, *, ours: Row) -> Verdict:
    return Verdict(
        target=f"at most {EVENTS_LIMIT:g} replica changes a day",
        trace=_place(trace, ours),
        outcome=_outcome(is_met=ours.events_per_day.mean <= EVENTS_LIMIT),
        figures=f"{ours.events_per_day.mean:.0f} a day",
    )


def _not_worse(trace: str, *, ours: Row, theirs: Row) -> Verdict:
    is_worse = ours.cost.mean > theirs.cost.mean and ours.late.mean > theirs.late.mean
    return Verdict(
        target=f"never both more expensive and later than {FAIR_BASELINE}",
        trace=f"{_place(trace, ours)}, {ours.start}",
        outcome=_outcome(is_met=not is_worse),
        figures=(
            f"cost {ours.cost.mean / theirs.cost.mean:.2f} x theirs ({theirs.scenario}, {theirs.tuning}), "
            f"{share(ours.late.mean)} late against {share(theirs.late.mean)}"
        ),
    )


def _fair(ours: Row, *, rows: Sequence[Row]) -> list[Row]:
    """Return the fair baseline with the same pools, or with others if it cannot scale those."""
    fair = [row for row in rows if (row.policy, row.start) == (FAIR_BASELINE, ours.start)]
    return [row for row in fair if row.scenario == ours.scenario] or fair


def _is_foresight(row: Row, *, ours: Row) -> bool:
    return (row.policy, row.scenario, row.start) == (FORESIGHT, ours.scenario, ours.start)


def _beats(theirs: Row, ours: Row) -> bool:
    theirs_axes, our_axes = (theirs.cost.mean, theirs.late.mean), (ours.cost.mean, ours.late.mean)
    return all(a <= b for a, b in zip(theirs_axes, our_axes, strict=True)) and theirs_axes != our_axes


def _place(trace: str, row: Row) -> str:
    return f"{trace}, {row.scenario}"


def _outcome(*, is_met: bool) -> Outcome:
    return Outcome.MET if is_met else Outcome.MISSED
