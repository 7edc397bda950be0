"""Parts of a Markdown page."""

from collections.abc import Iterable, Sequence

from benchmarks.simulation.results import Interval, Kind
from benchmarks.simulation.summary import Row
from benchmarks.simulation.targets import share

HEAD = (
    "policy",
    "cost per day",
    "x clairvoyant",
    "> 1 s",
    "> 5 s",
    "worst 5 min",
    "p99 wait, s",
    "changes/day",
    "pod starts/day",
    "unanswered",
)
NOTHING = "-"
ORDER = (Kind.BOUND, Kind.OURS, Kind.BASELINE, Kind.ABLATION)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """Return a Markdown table; cells after the first `words` are numbers."""
    lines = [head, [*["---"] * words, *["---:"] * (len(head) - words)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def results_table(rows: Iterable[Row], *, currency: str) -> str:
    """Return the table of one scenario and cold start: bounds, ours, and the baselines, cheapest first."""
    ranked = sorted(rows, key=lambda row: (ORDER.index(row.kind), row.cost.mean, row.policy, row.tuning))
    return table(HEAD, (_line(row, currency=currency) for row in ranked))


def parameters(row: Row) -> str:
    """Return the settings of a policy as text."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.parameters.items()
    )


def interval(figure: Interval, *, digits: int) -> str:
    """Return a mean and half the width of its 95 % interval."""
    half = (figure.high - figure.low) / 2
    spread = f" ± {half:.{digits}f}" if figure.count > 1 else ""
    return f"{figure.mean:.{digits}f}{spread}"


def _line(row: Row, *, currency: str) -> tuple[str, ...]:
    name = f"**{row.policy}**" if row.kind is Kind.OURS else row.policy
    label = name if row.kind is Kind.BOUND else f"{name}, {row.tuning}"
    figures = (f"{interval(row.cost, digits=2)} {currency}", interval(row.ratio, digits=2) if row.ratio else NOTHING)
    if row.kind is Kind.BOUND and row.p99.mean == 0 and row.late.mean == 0:
        return (label, *figures, *[NOTHING] * (len(HEAD) - 3))
    return (
        label,
        *figures,
        share(row.late.mean),
        share(row.later_than_five.mean),
        share(row.worst_window.mean),
        f"{row.p99.mean:.2f}",
        f"{row.events_per_day.mean:.0f}",
        f"{row.starts_per_day.mean:.0f}",
        share(row.unanswered.mean),
    )
