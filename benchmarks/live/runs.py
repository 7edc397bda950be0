"""Runs of a measurement: several services at a time, each measured again and again from a random moment of rest."""

import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from benchmarks.results_file import percentile

LONGEST_PAUSE_SECONDS = 5.0
"""The moment of rest at which a run begins is drawn from this many seconds: no phase of a tick is preferred."""

Result_co = TypeVar("Result_co", covariant=True)


class Lane(Protocol[Result_co]):
    """One service that is measured."""

    def rest(self) -> None:
        """Return once the service is as it is before each run."""

    def run(self, title: str) -> Result_co:
        """Measure once; `title` names the run in what is printed."""


def measured(lanes: Sequence[Lane[Result_co]], *, runs: int, seed: int) -> list[Result_co]:
    """Return the results of `runs` runs of each lane; the lanes run in parallel, the pauses follow from `seed`."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        chances = [random.Random(seed + number) for number in range(len(lanes))]
        submitted = [
            pool.submit(_runs, lane, runs=runs, chance=chance) for lane, chance in zip(lanes, chances, strict=True)
        ]
    return [result for each in submitted for result in each.result()]


def _runs(lane: Lane[Result_co], *, runs: int, chance: random.Random) -> list[Result_co]:
    results = []
    for number in range(1, runs + 1):
        lane.rest()
        time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
        results.append(lane.run(f"run {number} of {runs}"))
    return results


def shares(seconds: Sequence[float], **quantiles: float) -> Mapping[str, Any]:
    """Return what a result file holds of `seconds`: quantiles by name, the maximum, and all of them in order."""
    return {
        **{f"{name}_s": round(percentile(list(seconds), share), 2) for name, share in quantiles.items()},
        "max_s": round(max(seconds), 2),
        "seconds": sorted(round(each, 3) for each in seconds),
    }
