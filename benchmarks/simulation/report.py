"""The results page, made only from the result files: `python -m benchmarks.simulation.report FOLDER [PAGE]`."""

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from embedding_operator.simulation.trace import DAY_SECONDS

from benchmarks.simulation import days, plots
from benchmarks.simulation.choice import AS_CHEAP, LATE_LIMIT, TRAIN_LIMIT
from benchmarks.simulation.grids import BUDGET
from benchmarks.simulation.pages import parameters, results_table, table
from benchmarks.simulation.results import Curve, Document, Kind, RunKey, Split, read
from benchmarks.simulation.summary import DRAWN_BASELINES, Row, prices_of, rows
from benchmarks.simulation.targets import TUNED, losses, savings, share, verdicts

PAGE = Path(__file__).with_name("RESULTS.md")
PLOTS = "plots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One trace: what was measured on the test week, and what was tried on the train week."""

    test: Document
    train: Document | None

    @property
    def name(self) -> str:
        """Return the trace's name."""
        return self.test.trace.name

    @property
    def prices(self) -> str:
        """Return the price table that costs are reported in."""
        return prices_of(self.test)

    @property
    def currency(self) -> str:
        """Return the currency of that table."""
        return self.test.currencies[self.prices]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return the rows of the test week."""
        return rows(self.test, prices=self.prices)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Return the curves to draw: ours, the fair baseline, and the most common setup."""
        ours = {run.key.policy for run in self.test.runs if run.kind is Kind.OURS}
        return tuple(curve for curve in self.test.curves if curve.key.policy in {*ours, *DRAWN_BASELINES})


def main() -> int:
    """Write the page and its plots; return the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation.report", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the result files")
    parser.add_argument("page", type=Path, nargs="?", default=PAGE, metavar="PAGE", help="the page to write")
    arguments = parser.parse_args()
    chapters = chapters_of(arguments.folder)
    if not chapters:
        parser.error(f"{arguments.folder}: contains no result file of a test week (*-{Split.TEST}.json)")
    write(chapters, page=arguments.page)
    print(arguments.page)
    return 0


def chapters_of(folder: Path) -> tuple[Chapter, ...]:
    """Return a chapter for each trace whose test week was run."""
    documents = [read(path) for path in sorted(folder.glob("*.json"))]
    train = {document.trace.name: document for document in documents if document.trace.split is Split.TRAIN}
    return tuple(
        Chapter(test=document, train=train.get(document.trace.name))
        for document in documents
        if document.trace.split is Split.TEST
    )


def write(chapters: Sequence[Chapter], *, page: Path) -> None:
    """Write the page to `page`, and the plots to a folder beside it."""
    folder = page.parent / PLOTS
    folder.mkdir(parents=True, exist_ok=True)
    for scenario in scenarios(chapters):
        named = [
            (chapter.name, here)
            for chapter in chapters
            if (here := [row for row in chapter.rows if row.scenario == scenario])
        ]
        plots.pareto(named, path=folder / f"pareto-{slug(scenario)}.svg")
        plots.ratios(named, path=folder / f"ratios-{slug(scenario)}.svg")
    for chapter in chapters:
        days.draw(chapter.curves, path=folder / f"{slug(chapter.name)}.svg")
    page.write_text("\n".join(text(chapters)), encoding="utf-8")


def text(chapters: Sequence[Chapter]) -> Iterator[str]:
    """Yield the parts of the page, each ending with a newline."""
    yield _head(chapters)
    yield "## What was run\n"
    yield _scope(chapters)
    yield "## Targets\n"
    yield _targets(chapters)
    yield "## A10 with T4 against the static A10 peak\n"
    yield _savings(chapters)
    yield "## Where we lose\n"
    yield _losses(chapters)
    yield "## Cost and lateness\n"
    for scenario in scenarios(chapters):
        yield f"![{scenario}: cost and lateness of every policy, by trace]({PLOTS}/pareto-{slug(scenario)}.svg)\n"
        yield f"![{scenario}: cost over the clairvoyant's, by trace]({PLOTS}/ratios-{slug(scenario)}.svg)\n"
    for chapter in chapters:
        yield f"## {chapter.name}\n"
        yield from _chapter(chapter)
    yield "## Settings that were tried\n"
    yield from _grids(chapters)
    yield "## Assumptions\n"
    yield _assumptions(chapters)


def scenarios(chapters: Sequence[Chapter]) -> list[str]:
    """Return the scenarios that were run on any trace."""
    return sorted({row.scenario for chapter in chapters for row in chapter.rows})


def slug(name: str) -> str:
    """Return a name in a form that is usable in file names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _head(chapters: Sequence[Chapter]) -> str:
    first = chapters[0].test
    machine = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in first.machine.items())
    return (
        "# Cost and lateness of scaling\n\n"
        "Written by `python -m benchmarks.simulation.report`; [README.md](README.md) describes the method.\n\n"
        f"`default` is a policy with the settings of its sources, `{TUNED}` one with the best of {BUDGET} settings "
        f"tried on the train week: the least late of those within {100 * (AS_CHEAP - 1):.0f} % of the cheapest with at "
        f"most {share(TRAIN_LIMIT)} of the requests late, else with at most {share(LATE_LIMIT)}, else the least late. "
        "All values below are from the test week, as a mean over seeds ± half of its 95 % interval. A request is late "
        "if its computation began more than 1 s after its arrival, or never. The clairvoyant knows every request; the "
        "lateness of its plan when simulated is shown beside its cost.\n\n"
        f"Measured {first.measured}, commit {first.commit}, on {machine}.\n"
    )


def _scope(chapters: Sequence[Chapter]) -> str:
    lines = [
        (
            chapter.name,
            scenario,
            f"{chapter.test.trace.begin / DAY_SECONDS:g} to {chapter.test.trace.end / DAY_SECONDS:g}",
            _listed(run.key.start for run in runs),
            _listed(run.key.seed for run in runs),
            _listed(_policy(run.key) for run in runs),
        )
        for chapter in chapters
        for scenario in scenarios([chapter])
        if (runs := [run for run in chapter.test.runs if run.key.scenario == scenario])
    ]
    head = ("trace", "pools", "days", "cold starts", "seeds", "policies")
    return f"{table(head, lines, words=6)}\nAnything that is not in this table has no results yet.\n"


def _policy(key: RunKey) -> str:
    return f"{key.policy} ({TUNED})" if key.tuning == TUNED else key.policy


def _listed(names: Iterable[object]) -> str:
    return ", ".join(sorted({str(name) for name in names}))


def _targets(chapters: Sequence[Chapter]) -> str:
    judged = [verdict for chapter in chapters for verdict in verdicts(chapter.name, rows=chapter.rows)]
    ranked = sorted(judged, key=lambda verdict: verdict.target)
    lines = [(verdict.target, verdict.trace, str(verdict.outcome), verdict.figures) for verdict in ranked]
    return table(("target", "trace", "outcome", "values"), lines, words=4)


def _savings(chapters: Sequence[Chapter]) -> str:
    lines = [
        (
            f"{chapter.name}, {ours.start}",
            share(1 - ours.cost.mean / static.cost.mean),
            share(ours.late.mean),
            share(static.late.mean),
        )
        for chapter in chapters
        for ours, static in savings(chapter.rows)
    ]
    return table(("trace", "saved", "late", "late at the static peak"), lines)


def _losses(chapters: Sequence[Chapter]) -> str:
    lines = [
        (
            f"{chapter.name}, {ours.scenario}, {ours.start}",
            f"{theirs.policy}, {theirs.scenario}, {theirs.tuning}",
            ours.tuning,
            f"{theirs.cost.mean / ours.cost.mean:.2f} x ours",
            f"{share(theirs.late.mean)} against {share(ours.late.mean)}",
        )
        for chapter in chapters
        for ours, theirs in losses(chapter.rows)
    ]
    if not lines:
        return "No baseline is at most as expensive and at most as late as ours, on any trace or with any cold start.\n"
    return table(
        ("trace", "baseline that is as cheap and as punctual", "our settings", "its cost", "late"), lines, words=3
    )


def _chapter(chapter: Chapter) -> Iterator[str]:
    facts = chapter.test.trace
    yield (
        f"{facts.source}; {facts.scaling}. Mean {facts.mean_requests_per_second:,.1f} requests/s of "
        f"{facts.mean_tokens_per_request:,.0f} tokens, peak {facts.peak_tokens_per_second:,.0f} tokens/s; "
        f"{facts.masked_hours:.1f} h of gaps are excluded. Prices: {chapter.prices}.\n"
    )
    if chapter.curves:
        yield f"![Replicas and queue over one day]({PLOTS}/{slug(chapter.name)}.svg)\n"
    for (scenario, start), group in groupby(chapter.rows, key=lambda row: (row.scenario, row.start)):
        yield f"### {chapter.name}: {scenario}, cold starts {start}\n"
        yield results_table(group, currency=chapter.currency)


def _grids(chapters: Iterable[Chapter]) -> Iterator[str]:
    for chapter in chapters:
        if chapter.train is None:
            continue
        tried = rows(chapter.train, prices=prices_of(chapter.train))
        lines = [
            (row.policy, row.scenario, row.start, parameters(row), f"{row.cost.mean:.2f}", share(row.late.mean))
            for row in tried
            if row.kind is not Kind.BOUND
        ]
        head = ("policy", "pools", "cold starts", "settings", f"{chapter.currency} per day", "late")
        yield f"<details><summary>{chapter.name}, train week</summary>\n\n{table(head, lines, words=4)}\n</details>\n"


def _assumptions(chapters: Sequence[Chapter]) -> str:
    known = dict.fromkeys(assumption for chapter in chapters for assumption in chapter.test.assumptions)
    return table(
        ("assumption", "value", "source"),
        [(assumption.name, assumption.value, assumption.source) for assumption in known],
        words=3,
    )


if __name__ == "__main__":
    raise SystemExit(main())
