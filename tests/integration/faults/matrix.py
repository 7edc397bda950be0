"""The rows of the fault matrix, as the tests observe them."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

RESULTS = "FAULTS_RESULTS"
"""Names the file that gets the rows; without it, they are dropped."""


class Matrix:
    """Rows of one run; each names the test that is running."""

    def __init__(self) -> None:
        self._rows: list[dict[str, object]] = []

    def add(self, fault: str, *, times: int, observed: str, at: Sequence[str] = ()) -> None:
        """Add a row: what was done, how often, at which requests, and what was observed."""
        test = os.environ["PYTEST_CURRENT_TEST"].removesuffix(" (call)").rpartition("/")[2]
        self._rows.append({"fault": fault, "times": times, "observed": observed, "at": _counted(at), "test": test})
        named = os.environ.get(RESULTS)
        if named:
            Path(named).write_text(json.dumps(self._rows), encoding="utf-8")


def _counted(at: Sequence[str]) -> dict[str, int]:
    """Return how often each kind of request was hit; names of objects are left out."""
    return dict(Counter(" ".join(call.split()[:2]) for call in at))
