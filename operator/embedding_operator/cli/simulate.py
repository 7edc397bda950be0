"""`kubectl embsvc simulate`: a service on a trace, or its schedule over the next days. Needs no cluster."""

import argparse
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from embedding_operator.cli.coming_week import stretches, week_told
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.service_file import ServiceFile, read_service_file
from embedding_operator.cli.simulation_results import Trial
from embedding_operator.cli.simulation_text import trial_told
from embedding_operator.cli.terminal import printable

if TYPE_CHECKING:
    from embedding_operator.simulation.library import Library
    from embedding_operator.simulation.trace import Trace

STANDARD_INPUT = "-"
DEFAULT_DAYS = 7.0
MOST_DAYS = 400.0
OF_A_TRACE = {
    "client": "--client",
    "start": "--start",
    "seed": "--seed",
    "scale": "--scale",
    "chart_day": "--chart-day",
    "facts": "--facts",
}
DEFAULT_START, DEFAULT_SEED, DEFAULT_SCALE = "D1", 0, 1.0
MISSING_EXTRA = "simulating a trace needs numba and numpy: pip install '.[simulation]' in a clone of the project"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the plugin."""
    parser = commands.add_parser(
        "simulate",
        help="simulate a service on a trace of requests, or show its schedule over the next days",
        description="Simulates the EmbeddingService in FILE on a trace of requests with the operator's own decisions, "
        "and compares cost and latency with a fixed peak-sized fleet (static peak) and with an oracle that knows all "
        "traffic (clairvoyant). Without --trace, shows the windows of its schedule over the next days. GPUPools in "
        "FILE take precedence over those that the chart installs. Needs no cluster.",
        allow_abbrev=False,
    )
    parser.add_argument("filename", metavar="FILE", help="YAML with one EmbeddingService, or - (standard input)")
    parser.add_argument("--trace", type=Path, metavar="PATH", help="a folder with traces, or one CSV file")
    parser.add_argument("--client", metavar="ID", help="the trace, if PATH has several: its name or the end of it")
    parser.add_argument(
        "--days",
        type=_days,
        metavar="A-B",
        help="days of the trace, counted from 0; N means 0-N. Default: the first 7. Without a trace: the next N days",
    )
    parser.add_argument("--start", metavar="NAME", help="startup time: D1 warm, D2 new node, D3 also a download")
    parser.add_argument("--seed", type=int, help="seed of random requests and startup times; default: 0")
    parser.add_argument("--scale", type=_factor, metavar="F", help="multiply the request rate by F; default: 1")
    parser.add_argument("--chart-day", type=int, metavar="N", help="the day to draw; default: the busiest")
    parser.add_argument("--facts", type=Path, metavar="FILE", help="speeds, startup times and prices, as in facts.yaml")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def simulated(arguments: argparse.Namespace, *, now: datetime | None = None, width: int = 100) -> str:
    """Return what the command prints; raise `CommandError` if it cannot run."""
    file = _file(arguments.filename)
    if arguments.trace is None:
        return _coming_week(file, arguments=arguments, now=now or datetime.now(UTC))
    trial = _trial(file, arguments=arguments)
    return (
        f"{trial.model_dump_json(by_alias=True, indent=2)}\n" if _is_json(arguments) else trial_told(trial, width=width)
    )


def _file(filename: str) -> ServiceFile:
    if filename == STANDARD_INPUT:
        return read_service_file(sys.stdin.read(), origin="standard input")
    try:
        text = Path(filename).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{filename} cannot be read: {getattr(error, 'strerror', None) or 'not a text file'}"
        raise CommandError(message) from error
    return read_service_file(text, origin=filename)


def _coming_week(file: ServiceFile, *, arguments: argparse.Namespace, now: datetime) -> str:
    needless = [option for name, option in OF_A_TRACE.items() if getattr(arguments, name) is not None]
    if needless:
        message = f"{', '.join(needless)}: only valid with a trace: add --trace, or leave it out"
        raise CommandError(message)
    first, last = arguments.days or (0.0, DEFAULT_DAYS)
    if last - first > MOST_DAYS:
        message = f"--days: {last - first:g} days are more than the maximum of {MOST_DAYS:g}: choose fewer"
        raise CommandError(message)
    begin = (now + timedelta(days=first)).replace(second=0, microsecond=0)
    found = stretches(file.spec, cluster=file.schedules, begin=begin, end=begin + timedelta(days=last - first))
    if _is_json(arguments):
        document = {"service": file.name, "stretches": [each.model_dump(mode="json", by_alias=True) for each in found]}
        return json.dumps(document, indent=2) + "\n"
    return week_told(found, name=file.name, not_selecting=file.not_selecting)


def _trial(file: ServiceFile, *, arguments: argparse.Namespace) -> Trial:
    try:
        from embedding_operator.cli.simulation_run import Wish, try_out  # noqa: PLC0415 - needs what only an extra installs
        from embedding_operator.simulation.facts import read_facts  # noqa: PLC0415
        from embedding_operator.simulation.tables import TraceError  # noqa: PLC0415
    except ImportError as error:
        if error.name not in {"numba", "numpy"}:
            raise
        raise CommandError(MISSING_EXTRA) from error
    try:
        facts = read_facts(arguments.facts)
        trace = _trace(arguments)
    except TraceError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        message = f"--facts: {arguments.facts} cannot be read: {error.strerror}"
        raise CommandError(message) from error
    wish = Wish(
        days=arguments.days,
        start=arguments.start or DEFAULT_START,
        seed=DEFAULT_SEED if arguments.seed is None else arguments.seed,
        scale=arguments.scale or DEFAULT_SCALE,
        chart_day=arguments.chart_day,
    )
    _say(f"simulating {file.name} on {trace.name}; the first simulation on a machine compiles for half a minute")
    return try_out(file, trace=trace, facts=facts, wish=wish, say=_say)


def _trace(arguments: argparse.Namespace) -> "Trace":
    from embedding_operator.simulation.library import library  # noqa: PLC0415 - needs what only an extra installs

    known = library(arguments.trace)
    names = list(known.traces)
    if arguments.client is not None:
        return _chosen(known, client=arguments.client)
    if len(names) == 1:
        return known.load(names[0])
    message = f"{arguments.trace} contains {len(names)} traces: choose one with --client: {', '.join(names)}"
    raise CommandError(message)


def _chosen(known: "Library", *, client: str) -> "Trace":
    from embedding_operator.simulation.tables import TraceError  # noqa: PLC0415 - needs what only an extra installs

    try:
        return known.load(client)
    except TraceError as error:
        message = f"--client: {error}"
        raise CommandError(message) from error


def _is_json(arguments: argparse.Namespace) -> bool:
    return str(arguments.output) == "json"


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201 - the progress of a long run


def _days(text: str) -> tuple[float, float]:
    first, dash, last = text.partition("-")
    try:
        days = (float(first), float(last)) if dash else (0.0, float(first))
    except ValueError:
        days = (math.nan, math.nan)
    if not 0.0 <= days[0] < days[1] < math.inf:
        message = f"{text!r} is not a range of days such as 7-14, or 7 for the first seven"
        raise argparse.ArgumentTypeError(message)
    return days


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0.0 < factor < math.inf:
        message = f"{text!r} is not a number above 0"
        raise argparse.ArgumentTypeError(message)
    return factor
