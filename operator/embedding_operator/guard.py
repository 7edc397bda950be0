"""Going on after an error: a bug that one object or pod exposes must not stop the work for the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

import structlog

_log = structlog.get_logger(__name__)


def uncounted(_: str) -> None:
    """Take the name of a step that failed and is counted nowhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block that ends at the first error in it; the program goes on after it."""

    name: str
    about: Mapping[str, str]
    failed: Callable[[str], None]
    expected: tuple[type[Exception], ...]

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Log an error, and count it unless it is expected; return whether there was one, which is then not raised."""
        if not isinstance(error, Exception):
            return False
        if isinstance(error, self.expected):
            _log.warning("a step did not succeed", step=self.name, error=str(error), **self.about)
            return True
        _log.error("a step failed", step=self.name, exc_info=error, **self.about)
        self.failed(self.name)
        return True


class Guard:
    """Lets steps fail: errors are logged; for those that are not `expected`, `failed` gets the name of the step."""

    def __init__(
        self, failed: Callable[[str], None] = uncounted, *, expected: tuple[type[Exception], ...] = ()
    ) -> None:
        self._failed = failed
        self._expected = expected

    def step(self, step: str, /, **about: str) -> Step:
        """Return a block to run; `step` is one of a few fixed words, and the log entry of an error has `about`."""
        return Step(step, about, self._failed, self._expected)


UNCOUNTED = Guard()
