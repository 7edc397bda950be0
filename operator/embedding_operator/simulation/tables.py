"""Reads CSV files, plain or gzipped; errors name the file, the line, the column and what to do."""

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

SUFFIXES = (".csv", ".csv.gz")


class TraceError(ValueError):
    """A file of a trace cannot be used; the message says which one, where, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table."""

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell."""
        return self.cells[column]

    def number(self, column: str) -> float:
        """Return a cell that holds a finite number of 0 or more; raise `TraceError` if it does not."""
        try:
            value = float(self.cells[column])
        except (TypeError, ValueError):
            value = math.nan
        if not 0.0 <= value < math.inf:
            raise self.error(column, "a finite number of at least 0 is needed")
        return value

    def error(self, column: str, need: str) -> TraceError:
        """Return the error that says what a cell should contain."""
        return TraceError(f"{self.path.name}, line {self.line}: {column} is {self.cells[column]!r}: {need}")


def is_table(path: Path) -> bool:
    """Return whether a file is a table, by its name."""
    return path.name.endswith(SUFFIXES)


def header(path: Path) -> tuple[str, ...]:
    """Return the names of the columns; none if there is no first line. Raise `TraceError` if unreadable."""
    with _open(path) as lines:
        return tuple(next(csv.reader(lines), ()))


def rows(path: Path, *, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the lines of a table that must have `columns`; raise `TraceError` if it is not valid."""
    with _open(path) as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            message = f"{path.name}: no column {', '.join(missing)}: the first line must name {', '.join(columns)}"
            raise TraceError(message)
        for cells in reader:
            if None in cells or None in cells.values():
                message = f"{path.name}, line {reader.line_num}: the line must have as many cells as the first one"
                raise TraceError(message)
            yield Row(path=path, line=reader.line_num, cells=cells)


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as lines:
            yield lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        message = f"{path.name}: cannot be read ({error}): use a CSV file, plain or gzipped"
        raise TraceError(message) from error
