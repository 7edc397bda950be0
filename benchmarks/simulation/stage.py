"""One trace, scaled and split into weeks: what all runs on it share."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from embedding_operator.simulation.arrivals import tokens_per_slot
from embedding_operator.simulation.baselines.training import MINUTE_SECONDS, TrainingWeek
from embedding_operator.simulation.facts import Facts
from embedding_operator.simulation.trace import DAY_SECONDS, Trace

from benchmarks.simulation.results import Split, TraceFacts
from benchmarks.simulation.scenarios import DAY_POOL, MODEL

WEEK_SECONDS = 7 * DAY_SECONDS
PEAK_QUANTILE = 0.999
FILLED = 0.98
"""The share of the replicas' capacity that the peak uses."""

MOST_REQUESTS_PER_SECOND = 250.0
"""The maximum mean rate of traces with short requests, so that a week takes a minute to compute."""

OUTSTANDING = 64
TRAINING_SEED = 10_007
"""The seed of the train week that plans are fitted to: no run has the same requests."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """A scaled trace. `peak` is the number of replicas of the first pool that its busiest windows keep busy."""

    trace: Trace
    peak: float
    spans: Mapping[Split, tuple[float, float]]
    scaling: str

    def facts(self, split: Split) -> TraceFacts:
        """Return the description of the trace for the results."""
        begin, end = self.spans[split]
        inside = slice(int(begin // self.trace.step), int(end // self.trace.step))
        rates, gaps = self.trace.rates[inside], self.trace.gaps[inside]
        tokens = self.trace.token_rates()[inside][~gaps]
        requests = float(rates[~gaps].mean())
        return TraceFacts(
            name=self.trace.name,
            source=self.trace.source,
            split=split,
            begin=begin,
            end=end,
            scale=round(self.trace.scale, 6),
            scaling=self.scaling,
            mean_requests_per_second=requests,
            mean_tokens_per_second=float(tokens.mean()),
            peak_tokens_per_second=float(np.quantile(tokens, PEAK_QUANTILE)),
            mean_tokens_per_request=float(tokens.mean()) / max(requests, 1e-12),
            masked_hours=float(gaps.sum()) * self.trace.step / 3600.0,
        )


def stage(trace: Trace, facts: Facts, *, peak: float, scale: float | None, days: tuple[float, float] | None) -> Stage:
    """Return `trace` scaled by `scale`, or so that the busiest windows of its train week keep `peak` replicas busy.

    `days` replaces the test week.
    """
    training = slice(0, int(min(WEEK_SECONDS, trace.seconds) // trace.step))
    tokens, requests = trace.token_rates()[training], trace.rates[training]
    length = float(tokens.sum() / requests.sum())
    capacity = _capacity(facts, tokens_per_request=length) * FILLED
    natural = float(np.quantile(tokens, PEAK_QUANTILE)) / capacity
    factor = min(peak / natural, MOST_REQUESTS_PER_SECOND / float(requests.mean())) if scale is None else scale
    return Stage(
        trace=trace.scaled(factor),
        peak=natural * factor,
        spans=_spans(trace, days=days),
        scaling=f"rates multiplied by {factor:.4g}, laws kept: the busiest windows keep {natural * factor:.1f} "
        f"{DAY_POOL} busy",
    )


def training_week(staged: Stage, facts: Facts) -> TrainingWeek:
    """Return the load of the train week by minute, or of as much as exists; NaN in the gaps of the source.

    Plans use the true speed of a replica instead of the operator's initial estimate, as their author would measure it.
    """
    trace = staged.trace
    end = min(WEEK_SECONDS, trace.seconds)
    tokens = tokens_per_slot(trace, seed=TRAINING_SEED, begin=0.0, end=end, slot=MINUTE_SECONDS)
    windows = (np.arange(len(tokens)) * MINUTE_SECONDS // trace.step).astype(np.int64)
    week = slice(0, int(end // trace.step))
    length = float(trace.token_rates()[week].sum() / trace.rates[week].sum())
    speed = _capacity(facts, tokens_per_request=length)
    load = np.where(trace.gaps[windows], np.nan, tokens / MINUTE_SECONDS / speed)
    return TrainingWeek(pool=DAY_POOL, tokens_per_second=speed, load_by_minute=tuple(load.tolist()))


def _capacity(facts: Facts, *, tokens_per_request: float) -> float:
    """Return the maximum tokens per second of a replica of the first pool."""
    server = facts.server(model=MODEL, gpu=DAY_POOL)
    return server.capacity(tokens_per_request=tokens_per_request, outstanding=OUTSTANDING)


def _spans(trace: Trace, *, days: tuple[float, float] | None) -> dict[Split, tuple[float, float]]:
    """Return the weeks. A trace of one week or less is both train and test week, as nothing can be held back."""
    long = trace.seconds > WEEK_SECONDS
    test = (WEEK_SECONDS, min(2 * WEEK_SECONDS, trace.seconds)) if long else (0.0, trace.seconds)
    if days is not None:
        test = (days[0] * DAY_SECONDS, min(days[1] * DAY_SECONDS, trace.seconds))
    if test[0] >= test[1]:
        message = f"--days: {trace.name} ends on day {trace.seconds / DAY_SECONDS:.1f}: choose earlier days"
        raise ValueError(message)
    return {Split.TRAIN: (0.0, min(WEEK_SECONDS, trace.seconds)), Split.TEST: test}
