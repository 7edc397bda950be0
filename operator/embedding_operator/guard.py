"""Going on after an unexpected error: a bug that one object or pod exposes must not stop the work for the others."""

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

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Log and count an error; return whether there was one, which is then not raised."""
        if not isinstance(error, Exception):
            return False
        _log.error("a step failed", step=self.name, exc_info=error, **self.about)
        self.failed(self.name)
        return True


class Guard:
    """Lets steps fail: an error is logged, and `failed` is called with the name of the step."""

    def __init__(self, failed: Callable[[str], None] = uncounted) -> None:
        self._failed = failed

    def step(self, step: str, /, **about: str) -> Step:
        """Return a block to run; `step` is one of a few fixed words, and the log entry of an error has `about`."""
        return Step(step, about, self._failed)
