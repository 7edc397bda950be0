"""Every trace in a folder and its subfolders, or in one file, by name; the columns of a file tell its format."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from embedding_operator.simulation import counts, servegen
from embedding_operator.simulation.tables import TraceError, header, is_table
from embedding_operator.simulation.trace import Lengths, Trace

Load = Callable[[], Trace]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Traces that can be loaded, by name, and why some clients that have rates cannot."""

    traces: dict[str, Load]
    left_out: dict[str, str]

    def load(self, name: str) -> Trace:
        """Return the trace `name`, or the only one that ends with `-name`; raise `TraceError` if there is none."""
        candidates = [known for known in self.traces if name == known] or [
            known for known in self.traces if known.endswith(f"-{name}")
        ]
        if len(candidates) == 1:
            return self.traces[candidates[0]]()
        if name in self.left_out:
            raise TraceError(self.left_out[name])
        problem = "more than one trace ends with" if candidates else "there is no trace"
        message = f"{problem} {name}: choose from {', '.join(candidates or self.traces) or 'none'}"
        raise TraceError(message)


def library(place: Path) -> Library:
    """Return the traces in `place`, a folder or CSV file; raise `TraceError` if it does not exist or has no trace."""
    if not place.exists():
        message = f"{place}: no such folder or file: name one that contains traces"
        raise TraceError(message)
    found: dict[str, Load] = {}
    left_out: dict[str, str] = {}
    tables = [path for path in ([place] if place.is_file() else sorted(place.rglob("*.csv*"))) if is_table(path)]
    lengths = _lengths(tables)
    for path in tables:
        for name, load in _of(path, lengths=lengths, left_out=left_out).items():
            if name in found:
                message = f"{path.name}: there are two traces named {name}: rename one of the files"
                raise TraceError(message)
            found[name] = load
    if not found:
        message = f"{place}: contains no trace: docs/traces.md lists the formats"
        raise TraceError(message)
    return Library(traces=found, left_out=left_out)


def _of(path: Path, *, lengths: Lengths, left_out: dict[str, str]) -> dict[str, Load]:
    if path.name.startswith(servegen.TOKENS_BEGINNING):
        return {}
    columns = frozenset(header(path))
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    if columns.issuperset(servegen.RATE_COLUMNS):
        return _clients(path, left_out=left_out)
    if columns.issuperset(counts.REQUEST_COLUMNS):
        return {name: partial(counts.read_requests, path)}
    if columns.issuperset(counts.RATE_COLUMNS):
        return {name: partial(counts.read_rates, path, lengths=lengths)}
    if columns.issuperset(counts.COUNT_COLUMNS):
        return {name: partial(counts.read_counts, path, lengths=lengths)}
    message = f"{path.name}: columns {', '.join(header(path))} match no trace format: move the file out of the folder"
    raise TraceError(message)


def _clients(path: Path, *, left_out: dict[str, str]) -> dict[str, Load]:
    rates = cache(partial(servegen.read_rates, path))
    found: dict[str, Load] = {}
    for client in rates().clients:
        name = f"{rates().model}-{client}"
        if rates().tokens_path(client).exists():
            found[name] = partial(_client, rates, client)
        else:
            left_out[name] = f"{name}: {rates().tokens_path(client).name} is missing, so its lengths are unknown"
    return found


def _client(rates: Callable[[], servegen.Rates], client: str) -> Trace:
    return servegen.read_client(rates(), client)


def _lengths(tables: list[Path]) -> Lengths:
    """Return the lengths for files of counts: those of a file with one row per request, if there is one."""
    for path in tables:
        if set(header(path)).issuperset(counts.REQUEST_COLUMNS):
            return counts.read_requests(path).lengths
    return counts.UNKNOWN_LENGTHS
