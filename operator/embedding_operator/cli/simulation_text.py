"""A trial as text: what was simulated, its cost and latency beside alternatives, and a chart of one day."""

import textwrap
from collections.abc import Callable, Iterator

from embedding_operator.cli.day_chart import chart
from embedding_operator.cli.simulation_results import Played, PoolFacts, Trial
from embedding_operator.cli.step_text import figure

NAME_WIDTH = 34
FEWEST_COLUMN = 14
DAY_SECONDS = 86_400.0
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CENT = 0.01


def trial_told(trial: Trial, *, width: int = 100) -> str:
    """Return the report of `trial`; prose is wrapped at `width`, tables and the chart are not."""
    day = int(trial.curve.begin // DAY_SECONDS)
    parts = [
        "\n".join(line for text in _outset(trial) for line in _wrapped(text, width=width)),
        "Cost and latency, per day",
        "\n".join(_table(trial)),
        f"Day {day}, a {WEEKDAYS[day % 7]}: arriving load, and replicas of this service, in UTC",
        chart(trial.curve),
    ]
    if trial.notes:
        parts.append("\n".join(line for note in trial.notes for line in _wrapped(f"Note: {note}.", width=width)))
    head = f"{trial.service} on {trial.trace}, days {trial.first_day:g} to {trial.last_day:g}"
    return "\n\n".join([head, *parts]) + "\n"


def _outset(trial: Trial) -> Iterator[str]:
    scaled = "" if trial.scale == 1.0 else f", rates multiplied by {trial.scale:g}"
    yield f"Requests: {trial.source}{scaled}; days of the trace begin at midnight UTC, day 0 is a Monday."
    yield (
        f"{trial.requests:,} requests are measured, {figure(trial.requests_per_second)} per second; "
        f"{figure(trial.tokens_per_second)} tokens/s on average, {figure(trial.peak_tokens_per_second)} at peak."
    )
    yield f"Median startup time: {trial.start_seconds:g} s ({trial.start}); seed {trial.seed}."
    for pool in trial.pools:
        yield _pool(pool, currency=trial.currency)
    yield f"Prices: {trial.price_source}."


def _pool(pool: PoolFacts, *, currency: str) -> str:
    price = f"{pool.price_per_hour:g} {currency}".rstrip()
    return (
        f"{pool.name}: up to {pool.max_replicas} replicas at {price} an hour; each serves at most "
        f"{figure(pool.tokens_per_second)} tokens/s and {figure(pool.requests_per_second)} requests/s ({pool.source})."
    )


def _wrapped(text: str, *, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False
    )


def _table(trial: Trial) -> Iterator[str]:
    names = [each.name for each in trial.played]
    widths = [max(FEWEST_COLUMN, len(name) + 2) for name in names]
    for title, said in _rows(trial):
        cells = "".join(f"{said(each):>{width}}" for each, width in zip(trial.played, widths, strict=True))
        yield f"  {title:<{NAME_WIDTH}}{cells}".rstrip()


def _rows(trial: Trial) -> Iterator[tuple[str, Callable[[Played], str]]]:
    own = trial.played[0]
    yield "", lambda each: each.name
    yield f"cost, {trial.currency}".rstrip(", "), lambda each: f"{each.cost:,.2f}"
    yield "  relative to this service", lambda each: f"{each.cost / own.cost:.0%}" if own.cost else "-"
    for pool in trial.pools:
        yield f"GPU-hours, {pool.name}", lambda each, name=pool.name: f"{each.gpu_hours[name]:.1f}"  # type: ignore[misc]
    yield "requests that wait > 0.5 s", lambda each: _share(each.late.after_half_second)
    yield "requests that wait > 1 s", lambda each: _share(each.late.after_one_second)
    yield "  in the worst 5 minutes", lambda each: _share(each.late.after_one_second_in_worst_five_minutes)
    yield "requests that wait > 5 s", lambda each: _share(each.late.after_five_seconds)
    yield "requests timed out or dropped", lambda each: _share(each.late.given_up)
    yield "wait, p50", lambda each: _seconds(each.wait_p50)
    yield "wait, p99", lambda each: _seconds(each.wait_p99)
    yield "replica changes", lambda each: f"{each.scale_events:.1f}"
    yield "replicas started", lambda each: f"{each.pod_starts:.1f}"


def _share(share: float) -> str:
    percent = share * 100
    return "0 %" if percent == 0 else f"{percent:.2f} %" if percent >= CENT else "< 0.01 %"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"
