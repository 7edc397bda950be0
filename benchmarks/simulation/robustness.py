"""`python -m benchmarks.simulation.robustness`: what a plan fitted to one week costs in weeks that differ from it.

Writes benchmarks/results/robustness.json and the page ROBUSTNESS.md. Cells that are there already, from the same code,
are not run again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE
from embedding_operator.simulation.baselines.training import TrainingWeek
from embedding_operator.simulation.facts import Facts, read_facts
from embedding_operator.simulation.library import library
from embedding_operator.simulation.tables import TraceError

from benchmarks.machine import machine
from benchmarks.results_file import RESULTS
from benchmarks.simulation.__main__ import DEFAULT_TRACES
from benchmarks.simulation.contestants import FITTED, OURS, Contestant, contestants
from benchmarks.simulation.jobs import WARM_START, Ground, Job, night_speed, perform
from benchmarks.simulation.provenance import Origin, digest, origin
from benchmarks.simulation.results import Kind, Run, RunKey, Split
from benchmarks.simulation.robustness_page import Cell, page
from benchmarks.simulation.runner import say
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.shifts import Shift, shifts
from benchmarks.simulation.stage import Stage, stage, training_week

POLICIES = (OURS, FITTED, FAIR_BASELINE)
PAGE = Path(__file__).with_name("ROBUSTNESS.md")
OWN = ("shifts.py", "robustness.py")


def main() -> int:
    """Run what the arguments select; return the exit status of the process."""
    arguments, begun_from = _arguments(), origin()
    code = {kind.value: digest(kind, further=OWN) for kind in (Kind.OURS, Kind.ABLATION, Kind.BASELINE)}
    try:
        known = _known(arguments.out, code=code)
        cells = list(_cells(arguments, known=known, code=code, begun_from=begun_from))
    except (TraceError, ValueError, KeyError) as error:
        say(f"error: {error.args[0] if error.args else error}")
        return 1
    PAGE.write_text(page(cells), encoding="utf-8")
    say(str(PAGE))
    return 0


def _cells(
    arguments: argparse.Namespace, *, known: dict[str, Cell], code: dict[str, str], begun_from: Origin
) -> Iterator[Cell]:
    """Yield the cells of all clients and shifts; write the results after each."""
    facts = read_facts(None)
    traces = library(arguments.traces)
    names = arguments.clients
    stages = {
        name: stage(traces.load(name), facts, peak=arguments.peak, scale=None, days=arguments.days) for name in names
    }
    found = dict(known)
    for client in names:
        week = training_week(stages[client], facts)
        for shift in shifts(client, clients=names):
            ground = _ground(stages, client=client, shift=shift, week=week, facts=facts)
            for policy in POLICIES:
                for seed in range(arguments.seeds):
                    cell = _cell(ground, client=client, shift=shift, policy=policy, seed=seed)
                    if cell.key not in found:
                        found[cell.key] = _run(cell, ground=ground)
                        _write(found, path=arguments.out, code=code, begun_from=begun_from)
                        say(f"{cell.key}: {found[cell.key].late:.2%} late, {found[cell.key].cost:.2f}")
                    yield found[cell.key]


def _ground(stages: dict[str, Stage], *, client: str, shift: Shift, week: TrainingWeek, facts: Facts) -> Ground:
    """Return the ground of one client whose plans are from its own train week, on a shifted test week."""
    own = stages[client]
    shifted = shift.applied(own, others=stages)
    # A higher level must not end at maxReplicas: that would be a limit of the grid.
    scenario = Scenario(gpus=("a10",), peak=max(own.peak, shifted.peak) * max(1.0, shift.level))
    entries = contestants(scenario, week=week, night_speed=night_speed(facts))
    return Ground(
        stage=shifted,
        facts=facts,
        prices=facts.prices[0].name,
        scenarios={scenario.name: scenario},
        contestants={(scenario.name, each.policy): each for each in entries},
    )


def _cell(ground: Ground, *, client: str, shift: Shift, policy: str, seed: int) -> Cell:
    begin, end = ground.stage.spans[Split.TEST]
    return Cell(client=client, shift=shift.name, policy=policy, seed=seed, days=(end - begin) / 86_400)


def _run(cell: Cell, *, ground: Ground) -> Cell:
    (scenario,) = ground.scenarios
    contestant: Contestant = ground.contestants[scenario, cell.policy]
    key = RunKey(policy=cell.policy, scenario=scenario, start=WARM_START, seed=cell.seed)
    run: Run
    run, _ = perform(Job(key=key, split=Split.TEST, parameters=contestant.default), ground=ground)
    return cell.of(run, prices=ground.prices)


def _known(path: Path, *, code: dict[str, str]) -> dict[str, Cell]:
    """Return the cells in `path` by key; none if they are from other code."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["code"] != code:
        return {}
    return {cell.key: cell for cell in (Cell(**each) for each in document["cells"])}


def _write(found: dict[str, Cell], *, path: Path, code: dict[str, str], begun_from: Origin) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine(),
        "commit": begun_from.commit,
        "code": code,
        "cells": [asdict(each) for each in found.values()],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _names(text: str) -> Sequence[str]:
    return [name for name in text.split(",") if name]


def _days(text: str) -> tuple[float, float]:
    first, _, last = text.partition("-")
    return float(first), float(last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation.robustness", description=__doc__)
    parser.add_argument("--traces", type=Path, default=DEFAULT_TRACES, metavar="DIR", help="folder with traces")
    parser.add_argument("--clients", type=_names, default=["m_small-19", "m_small-31", "m_small-36"], metavar="NAME,…")
    parser.add_argument("--days", type=_days, default=(7.0, 14.0), metavar="A-B", help="days of the test week")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    parser.add_argument("--peak", type=float, default=6.0, metavar="N", help="replicas that the peak load keeps busy")
    parser.add_argument("--out", type=Path, default=RESULTS / "robustness.json", metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
