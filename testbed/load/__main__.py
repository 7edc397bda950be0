"""Send load to an embedding server and report the outcome.

One line of JSON per second goes to standard output, the summary to the report file and to the last line. The exit
status is always 0: failures are a result. SIGTERM and SIGINT end the run early, with a summary.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path

from .client import LoadClient, Report
from .plan import Arrivals, ClosedLoop, OpenLoop, Plan


def main() -> None:
    """Run the plan of the command line."""
    options = _parser().parse_args()
    asyncio.run(_run(_plan(options), report=options.report))


async def _run(plan: Plan, *, report: Path | None) -> None:
    client = LoadClient(plan, each_second=_print)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, client.stop)
    summary = await client.run()
    if report is not None:
        await asyncio.to_thread(_publish, report, summary)
    _print({"summary": summary})


def _publish(report: Path, summary: Report) -> None:
    unfinished = report.with_name(f"{report.name}.unfinished")
    unfinished.write_text(json.dumps(summary, indent=2) + "\n")
    unfinished.replace(report)


def _print(line: Report) -> None:
    print(json.dumps(line), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed.load", description=__doc__, allow_abbrev=False)
    parser.add_argument("--url", required=True, help="address of the server, without /v1/embeddings")
    load = parser.add_mutually_exclusive_group(required=True)
    load.add_argument("--rate", type=float, help="requests per second, however long responses take (open loop)")
    load.add_argument("--concurrency", type=int, help="clients that wait for their responses (closed loop)")
    parser.add_argument("--duration", type=float, required=True, help="seconds")
    parser.add_argument("--tokens", type=int, default=32, help="approximate tokens per text")
    parser.add_argument("--texts", type=int, default=1, help="texts per request")
    parser.add_argument("--arrivals", type=Arrivals, default=Arrivals.POISSON, help="constant or poisson")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="model")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds until a request counts as failed")
    parser.add_argument("--retries", type=int, default=0, help="retries before a request counts as failed")
    parser.add_argument("--new-connections", action="store_true", help="use a new connection for every request")
    parser.add_argument("--api-key")
    parser.add_argument("--report", type=Path, help="file for the summary; it appears once it is complete")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    loop = (
        ClosedLoop(options.concurrency)
        if options.rate is None
        else OpenLoop(options.rate, options.arrivals, options.seed)
    )
    return Plan(
        url=options.url.rstrip("/"),
        loop=loop,
        duration_seconds=options.duration,
        tokens=options.tokens,
        texts_per_request=options.texts,
        model=options.model,
        timeout_seconds=options.timeout,
        retries=options.retries,
        is_keeping_connections=not options.new_connections,
        api_key=options.api_key,
    )


if __name__ == "__main__":
    main()
