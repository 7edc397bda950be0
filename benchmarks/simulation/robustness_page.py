"""The page of the robustness grid, and the rule: what is on by default, or recommended, costs at most 3 % anywhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE

from benchmarks.simulation.choice import LATE_LIMIT
from benchmarks.simulation.contestants import FITTED, OURS
from benchmarks.simulation.pages import table
from benchmarks.simulation.results import Run
from benchmarks.simulation.summary import LATE
from benchmarks.simulation.targets import share

MOST_MORE = 1.03
"""What a plan may cost relative to not having it, on any shift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One policy with its default settings on one shifted week: cost per day, share of late requests, changes a day."""

    client: str
    shift: str
    policy: str
    seed: int
    days: float
    cost: float = 0.0
    late: float = 0.0
    changes: float = 0.0

    @property
    def key(self) -> str:
        """Return the identity of the cell."""
        return f"{self.client}, {self.shift}, {self.policy}, seed {self.seed}, {self.days:g} days"

    def of(self, run: Run, *, prices: str) -> "Cell":
        """Return the cell with the results of `run`."""
        cost = run.cost[prices] / run.measured_days
        return replace(self, cost=cost, late=run.waits.late_share[LATE], changes=run.events_per_day)


class Row(NamedTuple):
    """One client on one shifted week: each policy's mean over the seeds."""

    client: str
    shift: str
    ours: Cell
    fitted: Cell
    fair: Cell

    @property
    def plan_costs(self) -> float:
        """Return the cost with fitted floors relative to that without them."""
        return self.fitted.cost / self.ours.cost

    @property
    def is_late(self) -> bool:
        """Return whether our defaults miss the limit where the fair baseline keeps it."""
        return self.ours.late > LATE_LIMIT >= self.fair.late

    @property
    def is_dear(self) -> bool:
        """Return whether our defaults cost more than the fair baseline, which keeps the limit."""
        return self.fair.late <= LATE_LIMIT and self.ours.cost > self.fair.cost


def rows(cells: Iterable[Cell]) -> Iterator[Row]:
    """Yield the clients and shifts for which every policy has run, in the order of `cells`."""
    groups: dict[tuple[str, str], dict[str, list[Cell]]] = {}
    for cell in cells:
        groups.setdefault((cell.client, cell.shift), {}).setdefault(cell.policy, []).append(cell)
    for (client, shift), policies in groups.items():
        if policies.keys() >= {OURS, FITTED, FAIR_BASELINE}:
            means = [_mean(policies[policy]) for policy in (OURS, FITTED, FAIR_BASELINE)]
            yield Row(client, shift, *means)


def page(cells: Sequence[Cell]) -> str:
    """Return the page as Markdown."""
    found = list(rows(cells))
    days = [f"{each:g}" for each in sorted({cell.days for cell in cells})]
    seeds = len({cell.seed for cell in cells})
    run = f"Run: {len(found)} weeks of {', '.join(days)} days with {_count(seeds, 'seed')} each."
    return "".join(
        [
            f"{_HEADING}\n{run} {_UNITS}\n\n",
            table(_HEAD, (_line(row) for row in found), words=2),
            "\n## The rule\n\n",
            *[f"- {line}\n" for line in verdicts(found)],
        ]
    )


def verdicts(found: Sequence[Row]) -> Iterator[str]:
    """Yield what the rule says: of fitted floors, of lateness, and of cost."""
    dear = [row for row in found if row.plan_costs > MOST_MORE]
    worst = max(found, key=lambda row: row.plan_costs, default=None)
    if worst is not None:
        yield (
            f"Hourly floors fitted to the train week cost more than 3 % over not having them on {len(dear)} of "
            f"{len(found)} weeks, at most {worst.plan_costs - 1:.0%} ({worst.client}, {worst.shift}): they are "
            f"{'neither on by default nor recommended' if dear else 'allowed by the rule'}."
        )
    late = [
        f"{row.client}, {row.shift}: {share(row.ours.late)} against {share(row.fair.late)}"
        for row in found
        if row.is_late
    ]
    yield _listed("Defaults later than 0.5 % where KEDA queue + rate is not", late)
    more = [f"{row.client}, {row.shift}: {row.ours.cost / row.fair.cost:.2f} times" for row in found if row.is_dear]
    yield _listed("Defaults more expensive than KEDA queue + rate where that is at most 0.5 % late", more)


_HEADING = """# Weeks that differ from the week that plans were fitted to

Written by `make bench-robustness` from `benchmarks/results/robustness.json`; do not edit. Plans are fitted to the train
week of a client. Its test week is scaled, moved in time, or that of another client. A service on A10 alone, default
settings, warm starts.
"""
_UNITS = "Cost is per day, in the currency of the first price table; late requests wait for more than a second."
_HEAD = ("client", "test week", "ours", "late", "changes", "with floors", "late", "more", "KEDA queue + rate", "late")


def _line(row: Row) -> tuple[str, ...]:
    return (
        row.client,
        row.shift,
        f"{row.ours.cost:.2f}",
        share(row.ours.late),
        f"{row.ours.changes:.0f}",
        f"{row.fitted.cost:.2f}",
        share(row.fitted.late),
        f"{row.plan_costs - 1:+.0%}",
        f"{row.fair.cost:.2f}",
        share(row.fair.late),
    )


def _listed(what: str, found: Sequence[str]) -> str:
    return f"{what}: {'; '.join(found) if found else 'nowhere'}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _mean(cells: Sequence[Cell]) -> Cell:
    return replace(
        cells[0],
        cost=fmean(each.cost for each in cells),
        late=fmean(each.late for each in cells),
        changes=fmean(each.changes for each in cells),
    )
