"""The page of faults shows the committed rows, and a partial run keeps the others."""

import json

from benchmarks.faults import NAME, PAGE, merged, page
from benchmarks.results_file import RESULTS


def row(test: str, times: int) -> dict[str, object]:
    return {"fault": "crash", "times": times, "at": {"patch services": times}, "observed": "same objects", "test": test}


def test_the_page_shows_what_was_run() -> None:
    result = json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8"))

    assert PAGE.read_text(encoding="utf-8") == page(result), "run: make faults"


def test_rows_of_tests_that_did_not_run_are_kept() -> None:
    kept = merged([row("b", 1), row("a", 1)], [row("b", 2), row("b", 3)])

    assert [(each["test"], each["times"]) for each in kept] == [("a", 1), ("b", 2), ("b", 3)]
