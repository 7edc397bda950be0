"""Traces in the format of ServeGen: rates and laws of many clients by window, and histograms of their input tokens.

    {model}_rates.csv.gz              client,t_s,rate_rps,iat_cv,iat_dist,shape,scale
    tokens_{model}_{client}.csv.gz    window_t_s,input_tokens,prob

A window in which no client of a file had a request is a gap in the source, not silence. At least three clients are
needed to tell; a file with fewer has no gaps. Requests in a gap are drawn with a linearly interpolated rate.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.kernel import Flags, Floats
from embedding_operator.simulation.tables import Row, TraceError, rows
from embedding_operator.simulation.trace import Histogram, Law, Lengths, Trace

RATE_COLUMNS = ("client", "t_s", "rate_rps", "iat_dist", "shape")
TOKEN_COLUMNS = ("window_t_s", "input_tokens", "prob")
RATES_ENDING = "_rates.csv"
TOKENS_BEGINNING = "tokens_"
CLIENTS_TO_TELL_A_GAP = 3
LAWS = {"Gamma": Law.GAMMA, "Weibull": Law.WEIBULL}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Client:
    """The windows of one client."""

    rates: Floats
    laws: NDArray[np.int8]
    shapes: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """One file of rates: its clients by identifier, the seconds of a window, and the windows that are gaps."""

    path: Path
    step: float
    clients: dict[str, Client]
    gaps: Flags

    @property
    def model(self) -> str:
        """Return the name of the file without `_rates.csv`."""
        return self.path.name.partition(RATES_ENDING)[0]

    def tokens_path(self, client: str) -> Path:
        """Return the path of a client's histograms, plain or gzipped; the file need not exist."""
        plain = self.path.with_name(f"{TOKENS_BEGINNING}{self.model}_{client}.csv")
        return plain if plain.exists() else plain.with_name(plain.name + ".gz")


def read_rates(path: Path) -> Rates:
    """Return the content of a file of rates; raise `TraceError` if the file is not valid."""
    by_client: dict[str, list[Row]] = defaultdict(list)
    for row in rows(path, columns=RATE_COLUMNS):
        by_client[row.text("client")].append(row)
    if not by_client:
        message = f"{path.name}: the file has no rows: add at least two windows of one client"
        raise TraceError(message)
    starts = {client: [row.number("t_s") for row in of_client] for client, of_client in by_client.items()}
    step, count = _grid(path, starts=starts)
    clients = {client: _client(of_client) for client, of_client in by_client.items()}
    silent = np.all([client.rates == 0.0 for client in clients.values()], axis=0)
    gaps = silent if len(clients) >= CLIENTS_TO_TELL_A_GAP else np.zeros(count, dtype=np.bool_)
    return Rates(path=path, step=step, clients=clients, gaps=gaps)


def read_client(rates: Rates, client: str) -> Trace:
    """Return the trace of one client; raise `TraceError` if there is none, or if its request lengths are unknown."""
    if client not in rates.clients:
        known = ", ".join(sorted(rates.clients, key=_numerically))
        message = f"{rates.path.name}: no client {client}: choose from {known}"
        raise TraceError(message)
    path = rates.tokens_path(client)
    if not path.exists():
        message = f"{path.name}: not found beside {rates.path.name}: without it the lengths of requests are unknown"
        raise TraceError(message)
    windows = rates.clients[client]
    return Trace(
        name=f"{rates.model}-{client}",
        source=f"{rates.path.name}, client {client}",
        step=rates.step,
        rates=_bridged(windows.rates, gaps=rates.gaps),
        laws=windows.laws,
        shapes=windows.shapes,
        gaps=rates.gaps,
        lengths=read_lengths(path),
    )


def read_lengths(path: Path) -> Lengths:
    """Return the histograms in a file of tokens; raise `TraceError` if the file is not valid."""
    tokens: dict[float, list[int]] = defaultdict(list)
    shares: dict[float, list[float]] = defaultdict(list)
    for row in rows(path, columns=TOKEN_COLUMNS):
        since, length = row.number("window_t_s"), row.number("input_tokens")
        if length < 1:
            message = "input_tokens"
            raise row.error(message, "a request has at least 1 token")
        tokens[since].append(round(length))
        shares[since].append(row.number("prob"))
    if not tokens:
        message = f"{path.name}: the file has no rows: add a histogram of at least one window"
        raise TraceError(message)
    empty = [since for since in tokens if sum(shares[since]) <= 0.0]
    if empty:
        message = f"{path.name}: prob sums to 0 in window_t_s {empty[0]:g}: use shares that sum to 1"
        raise TraceError(message)
    ordered = sorted(tokens)
    return Lengths(np.array(ordered), tuple(Histogram.of(tokens[since], shares[since]) for since in ordered))


def _grid(path: Path, *, starts: dict[str, list[float]]) -> tuple[float, int]:
    """Return the step and the number of windows, which must be the same for every client."""
    first = next(iter(starts.values()))
    step = first[1] - first[0] if len(first) > 1 else 0.0
    if step <= 0.0:
        message = f"{path.name}: t_s must increase from 0 in equal steps: add at least two windows of each client"
        raise TraceError(message)
    for client, seconds in starts.items():
        expected = np.arange(len(first)) * step
        if len(seconds) != len(first) or not np.allclose(seconds, expected):
            grid = f"0, {step:g}, … {expected[-1]:g}"
            message = f"{path.name}: client {client} does not have one row for each t_s of {grid}: add the missing rows"
            raise TraceError(message)
    return step, len(first)


def _client(windows: list[Row]) -> Client:
    rates = np.array([row.number("rate_rps") for row in windows])
    laws, shapes = np.zeros(len(windows), dtype=np.int8), np.ones(len(windows))
    law, shape = Law.GAMMA, 1.0
    for index, row in enumerate(windows):
        if rates[index] > 0.0:
            law, shape = _law(row)
        laws[index], shapes[index] = law, shape
    return Client(rates=rates, laws=laws, shapes=shapes)


def _law(row: Row) -> tuple[Law, float]:
    if row.text("iat_dist") not in LAWS:
        message = "iat_dist"
        raise row.error(message, "Gamma or Weibull is needed where rate_rps is above 0")
    shape = row.number("shape")
    if shape == 0.0:
        message = "shape"
        raise row.error(message, "a number above 0 is needed where rate_rps is above 0")
    return LAWS[row.text("iat_dist")], shape


def _bridged(rates: Floats, *, gaps: Flags) -> Floats:
    if not gaps.any() or gaps.all():
        return rates
    bridged = rates.copy()
    places = np.arange(len(rates))
    bridged[gaps] = np.interp(places[gaps], places[~gaps], rates[~gaps])
    return bridged


def _numerically(client: str) -> tuple[int, str]:
    return len(client), client
