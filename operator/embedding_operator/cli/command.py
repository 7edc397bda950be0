"""`kubectl embsvc`: the plugin of kubectl, found by the name of its console script, `kubectl-embsvc`."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.explain import Subject, told
from embedding_operator.cli.saved_status import read_subject
from embedding_operator.cli.simulate import add_parser as add_simulate
from embedding_operator.cli.simulate import simulated

PROGRAM = "kubectl embsvc"
SIMULATE = "simulate"
FAILED = 1
NARROWEST, WIDEST = 60, 120
STANDARD_INPUT = "-"

EXAMPLES = f"""\
examples:
  {PROGRAM} explain qwen3-embedding -n search        why it runs as it does
  kubectl get embsvc qwen3-embedding -o yaml > saved.yaml
  {PROGRAM} explain -f saved.yaml                    the same, without the cluster
  {PROGRAM} simulate service.yaml                    which window of its schedule holds when
  {PROGRAM} simulate service.yaml --trace traces     what it would cost, and how late it would be
"""


def main() -> None:
    """Run the command line of this process; exit with 1 where it can not do what was asked, with 2 on wrong usage."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command is None:
        parser.print_help()
        return
    try:
        text = simulated(arguments, width=_width()) if arguments.command == SIMULATE else _explained(arguments)
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - what a command is for
        sys.exit(FAILED)
    try:
        print(text, end="")  # noqa: T201
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads it has read enough; Python would complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(arguments: argparse.Namespace, *, environment: Mapping[str, str]) -> str:
    """Return the story of the service that `arguments` name; raise `CommandError`."""
    subject = _saved(arguments) if arguments.filename is not None else _fetched(arguments, environment=environment)
    return told(subject, now=datetime.now(UTC), width=_width())


def _explained(arguments: argparse.Namespace) -> str:
    return explain(arguments, environment=os.environ)


def _width() -> int:
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size(fallback=(100, 24)).columns))


def _saved(arguments: argparse.Namespace) -> Subject:
    if arguments.filename == STANDARD_INPUT:
        return read_subject(sys.stdin.read(), name=arguments.name, origin="standard input")
    try:
        text = Path(arguments.filename).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{arguments.filename} can not be read: {getattr(error, 'strerror', None) or 'it is not text'}"
        raise CommandError(message) from error
    return read_subject(text, name=arguments.name, origin=arguments.filename)


def _fetched(arguments: argparse.Namespace, *, environment: Mapping[str, str]) -> Subject:
    # A story from a file does without the time that the API client takes to be imported.
    from embedding_operator.cli.cluster import Place, fetch_subject  # noqa: PLC0415

    if arguments.name is None:
        raise CommandError("name the service to explain, or a file that it was saved to with -f")
    kubeconfig = arguments.kubeconfig or environment.get("KUBECONFIG") or "~/.kube/config"
    place = Place(kubeconfig=Path(kubeconfig).expanduser(), context=arguments.context, namespace=arguments.namespace)
    return asyncio.run(fetch_subject(arguments.name, place=place, version=version("embedding-operator")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Looks into EmbeddingServices.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('embedding-operator')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    explaining = commands.add_parser(
        "explain",
        help="tell why a service has the replicas that it has",
        description="Tells from its status why an EmbeddingService has the replicas that it has.",
        allow_abbrev=False,
    )
    explaining.add_argument("name", metavar="NAME", nargs="?", help="name of the EmbeddingService")
    explaining.add_argument("-n", "--namespace", help="its namespace; default: that of the context")
    explaining.add_argument("--context", help="context of the kubeconfig; default: the current one")
    explaining.add_argument("--kubeconfig", help="default: $KUBECONFIG, else ~/.kube/config")
    explaining.add_argument(
        "-f", "--filename", metavar="FILE", help="read the service from a file, or from - (standard input)"
    )
    add_simulate(commands)
    return parser


if __name__ == "__main__":
    main()
