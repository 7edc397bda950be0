"""`python -m benchmarks.simulation`: run policies on traces, and write benchmarks/results/simulation/*.json."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from os import sched_getaffinity
from pathlib import Path

from embedding_operator.simulation.facts import Facts, read_facts, stated
from embedding_operator.simulation.library import library
from embedding_operator.simulation.tables import TraceError
from embedding_operator.simulation.trace import Trace

from benchmarks.machine import machine
from benchmarks.results_file import RESULTS
from benchmarks.simulation import jobs
from benchmarks.simulation.choice import Try, best
from benchmarks.simulation.contestants import Contestant, contestants
from benchmarks.simulation.jobs import BOUNDS, WARM_START, Ground, Job
from benchmarks.simulation.provenance import Origin, origin
from benchmarks.simulation.results import Assumption, Document, Kind, Run, RunKey, Split, path_of
from benchmarks.simulation.runner import enter, perform_all, say
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.stage import Stage, stage, training_week
from benchmarks.simulation.summary import DRAWN_BASELINES

DEFAULT_TRACES = Path("../shared/traces")
DEFAULT, TUNED = "default", "tuned"


def main() -> int:
    """Run what the arguments select; return the exit status of the process."""
    arguments, begun_from = _arguments(), origin()
    try:
        facts = read_facts(arguments.facts)
        known = library(arguments.traces)
        for problem in known.left_out.values():
            say(f"left out: {problem}")
        for name in arguments.clients or list(known.traces):
            _bench(known.load(name), facts=facts, arguments=arguments, begun_from=begun_from)
    except (TraceError, ValueError, KeyError) as error:
        say(f"error: {error.args[0] if error.args else error}")
        return 1
    return 0


def _bench(trace: Trace, *, facts: Facts, arguments: argparse.Namespace, begun_from: Origin) -> None:
    try:
        staged = stage(trace, facts, peak=arguments.peak, scale=arguments.scale, days=arguments.days)
        ground = _ground(staged, facts=facts, names=arguments.scenarios)
    except ValueError as error:
        say(f"{trace.name}: left out: {error}")
        return
    say(f"{trace.name}: {staged.scaling}")
    chosen: dict[tuple[str, str], Try] = {}
    # The functions that build policies are nested, so they cannot be pickled: only a forked process has them.
    forked = get_context("fork")
    with ProcessPoolExecutor(arguments.processes, forked, initializer=enter, initargs=(ground,)) as workers:
        if arguments.tune:
            tries = list(_tries(ground, policies=arguments.policies))
            train = _blank(ground, begun_from=begun_from, split=Split.TRAIN)
            tried = perform_all(tries, workers=workers, blank=train, folder=arguments.out)
            chosen = _best(tried, prices=ground.prices)
        asked = list(_asked(ground, chosen=chosen, arguments=arguments))
        test = _blank(ground, begun_from=begun_from, split=Split.TEST)
        perform_all(asked, workers=workers, blank=test, folder=arguments.out)
    say(str(path_of(arguments.out, trace=staged.trace.name, split=Split.TEST)))


def _ground(staged: Stage, *, facts: Facts, names: Sequence[str]) -> Ground:
    week = training_week(staged, facts)
    scenarios = {name: Scenario(gpus=tuple(name.split("+")), peak=staged.peak) for name in names}
    competing: dict[tuple[str, str], Contestant] = {
        (name, each.policy): each
        for name, scenario in scenarios.items()
        for each in contestants(scenario, week=week, night_speed=jobs.night_speed(facts))
    }
    return Ground(stage=staged, facts=facts, prices=facts.prices[0].name, scenarios=scenarios, contestants=competing)


def _tries(ground: Ground, *, policies: Sequence[str]) -> Iterator[Job]:
    """Yield every setting of every policy, on the train week, with warm starts and one seed."""
    for (scenario, policy), contestant in ground.contestants.items():
        if not _is_wanted(policy, policies):
            continue
        for number, parameters in enumerate(contestant.candidates):
            key = RunKey(policy=policy, scenario=scenario, start=WARM_START, seed=0, tuning=f"try {number + 1:02d}")
            yield Job(key=key, split=Split.TRAIN, parameters=parameters)


def _asked(ground: Ground, *, chosen: dict[tuple[str, str], Try], arguments: argparse.Namespace) -> Iterator[Job]:
    """Yield the runs on the test week: with defaults, with tuned settings, and the bounds."""
    for start in arguments.starts:
        for seed in range(arguments.seeds):
            for (scenario, policy), contestant in ground.contestants.items():
                if _is_wanted(policy, arguments.policies):
                    key = RunKey(policy=policy, scenario=scenario, start=start, seed=seed, tuning=DEFAULT)
                    drawn = contestant.kind is Kind.OURS or policy in DRAWN_BASELINES
                    draws = drawn and seed == 0 and start == WARM_START
                    yield Job(key=key, split=Split.TEST, parameters=contestant.default, draws=draws)
                if (scenario, policy) in chosen:
                    key = RunKey(policy=policy, scenario=scenario, start=start, seed=seed, tuning=TUNED)
                    yield Job(key=key, split=Split.TEST, parameters=chosen[scenario, policy].parameters)
            for scenario in ground.scenarios:
                for policy in BOUNDS:
                    if _is_wanted(policy, arguments.policies):
                        key = RunKey(policy=policy, scenario=scenario, start=start, seed=seed, tuning=DEFAULT)
                        yield Job(key=key, split=Split.TEST, parameters={})


def _best(tried: Sequence[Run], *, prices: str) -> dict[tuple[str, str], Try]:
    """Return the best setting of each policy by scenario, among those tried on the train week."""
    by_policy: dict[tuple[str, str], list[Try]] = {}
    for run in tried:
        parameters = {name: float(value) for name, value in run.parameters.items()}
        attempt = Try(parameters=parameters, cost=run.cost[prices], late_share=run.waits.late_share["1"])
        by_policy.setdefault((run.key.scenario, run.key.policy), []).append(attempt)
    return {place: best(tries) for place, tries in by_policy.items()}


def _is_wanted(policy: str, wanted: Sequence[str]) -> bool:
    """Return whether one of `wanted` is in the name of `policy`, enclosed in `=`."""
    return not wanted or any(part.lower() in f"={policy.lower()}=" for part in wanted)


def _blank(ground: Ground, *, begun_from: Origin, split: Split) -> Document:
    """Return the document of a trace without any runs."""
    return Document(
        machine=machine(),
        measured=datetime.now(UTC).date().isoformat(),
        commit=begun_from.commit,
        code=begun_from.code,
        trace=ground.stage.facts(split),
        assumptions=tuple(
            Assumption(name=each.name, value=each.value, source=each.source) for each in stated(ground.facts)
        ),
        currencies={table.name: table.currency for table in ground.facts.prices},
        runs=(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--traces", type=Path, default=DEFAULT_TRACES, metavar="DIR", help="folder with traces")
    parser.add_argument("--clients", type=_names, default=[], metavar="NAME,…", help="traces or clients; default: all")
    parser.add_argument(
        "--policies",
        type=_names,
        default=[],
        metavar="PART,…",
        help="policies with PART in their name; =Ours= selects ours without its ablations",
    )
    parser.add_argument("--scenarios", type=_names, default=["a10", "a10+t4"], metavar="GPUS,…", help="a10, a10+t4")
    parser.add_argument("--starts", type=_names, default=["D1", "D2", "D3"], metavar="NAME,…", help="cold starts")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how often each run is repeated; default: 5")
    parser.add_argument("--days", type=_days, default=None, metavar="A-B", help="days of the test week; default: 7-14")
    parser.add_argument("--peak", type=float, default=6.0, metavar="N", help="replicas that the peak load keeps busy")
    parser.add_argument(
        "--scale", type=float, default=None, metavar="F", help="multiply rates by F instead of scaling to --peak"
    )
    parser.add_argument(
        "--tune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="try twelve settings of each policy on the train week first; default: yes",
    )
    parser.add_argument("--processes", type=int, default=len(sched_getaffinity(0)), metavar="N")
    parser.add_argument("--facts", type=Path, default=None, metavar="FILE", help="constants in place of the built-in")
    parser.add_argument("--out", type=Path, default=RESULTS / "simulation", metavar="DIR", help="folder for results")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _days(text: str) -> tuple[float, float]:
    first, _, last = text.partition("-")
    try:
        return float(first), float(last)
    except ValueError:
        message = f"{text!r} is not a range of days such as 7-14"
        raise argparse.ArgumentTypeError(message) from None


if __name__ == "__main__":
    sys.exit(main())
