"""Traces in other formats: one row per request, or request counts over time.

    TIMESTAMP,ContextTokens       one row per request (Azure 2023): replayed as it is
    t_s,rpm_mid                   requests per minute at uneven times (Azure 2024, digitised)
    t_s,requests                  requests per step (BurstGPT, hourly)

Counts do not contain the times between requests: those are drawn as exponential. Nor do they contain lengths.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from embedding_operator.simulation.kernel import Floats
from embedding_operator.simulation.tables import Row, TraceError, rows
from embedding_operator.simulation.trace import Histogram, Law, Lengths, Trace

REQUEST_COLUMNS = ("TIMESTAMP", "ContextTokens")
RATE_COLUMNS = ("t_s", "rpm_mid")
COUNT_COLUMNS = ("t_s", "requests")
STEP = 600.0
SECONDS_DIGITS = len("2023-11-16 18:17:03.979960")
UNKNOWN_LENGTHS = Lengths.constant(256)
"""For counts without a file of lengths: what the operator assumes for an unknown request."""


def read_requests(path: Path) -> Trace:
    """Return the trace in a file with one row per request; raise `TraceError` if the file is not valid."""
    moments, sizes = [], []
    for row in rows(path, columns=REQUEST_COLUMNS):
        moments.append(_moment(row))
        sizes.append(max(1, round(row.number("ContextTokens"))))
    if not moments:
        message = f"{path.name}: the file has no rows: add at least one request"
        raise TraceError(message)
    order = np.argsort(moments, kind="stable")
    instants = np.array(moments)[order]
    instants -= instants[0]
    tokens = np.array(sizes, dtype=np.int64)[order]
    counts = np.bincount((instants // STEP).astype(np.int64))
    lengths, occurrences = np.unique(tokens, return_counts=True)
    histogram = Lengths(np.zeros(1), (Histogram.of(lengths, occurrences.astype(np.float64)),))
    return replace(_counted(path, rates=counts / STEP, step=STEP, lengths=histogram), instants=instants, sizes=tokens)


def read_rates(path: Path, *, lengths: Lengths = UNKNOWN_LENGTHS) -> Trace:
    """Return the trace in a file of requests per minute; raise `TraceError` if the file is not valid."""
    known = [(row.number("t_s"), row.number("rpm_mid") / 60.0) for row in rows(path, columns=RATE_COLUMNS)]
    times = np.array([time for time, _ in known])
    if len(known) < 2 or (np.diff(times) <= 0.0).any():  # noqa: PLR2004 - one row has no step
        message = f"{path.name}: t_s must increase from row to row, over at least two rows: sort the file"
        raise TraceError(message)
    middles = np.arange(STEP / 2, times[-1], STEP)
    rates = np.interp(middles, times, np.array([rate for _, rate in known]))
    return _counted(path, rates=rates, step=STEP, lengths=lengths)


def read_counts(path: Path, *, lengths: Lengths = UNKNOWN_LENGTHS) -> Trace:
    """Return the trace in a file of requests per step; raise `TraceError` if the file is not valid."""
    known = [(row.number("t_s"), row.number("requests")) for row in rows(path, columns=COUNT_COLUMNS)]
    times = np.array([time for time, _ in known])
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    if step <= 0.0 or not np.allclose(np.diff(times), step):
        message = f"{path.name}: t_s must increase in equal steps, over at least two rows: fill missing rows with 0"
        raise TraceError(message)
    return _counted(path, rates=np.array([count for _, count in known]) / step, step=step, lengths=lengths)


def _counted(path: Path, *, rates: Floats, step: float, lengths: Lengths) -> Trace:
    return Trace(
        name=path.name.removesuffix(".gz").removesuffix(".csv"),
        source=path.name,
        step=step,
        rates=rates.astype(np.float64),
        laws=np.full(len(rates), Law.GAMMA, dtype=np.int8),
        shapes=np.ones(len(rates)),
        gaps=np.zeros(len(rates), dtype=np.bool_),
        lengths=lengths,
    )


def _moment(row: Row) -> float:
    try:
        moment = datetime.fromisoformat(row.text("TIMESTAMP")[:SECONDS_DIGITS].strip())
    except ValueError:
        message = "TIMESTAMP"
        raise row.error(message, "a time such as 2023-11-16 18:17:03.979960 is needed") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
