"""`kubectl embsvc`, a kubectl plugin: kubectl finds it by its console script, `kubectl-embsvc`."""

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
from embedding_operator.cli.explain import Subject, document, told
from embedding_operator.cli.saved_status import read_subject
from embedding_operator.cli.simulate import add_parser as add_simulate
from embedding_operator.cli.simulate import simulated
from embedding_operator.cli.terminal import printable

PROGRAM = "kubectl embsvc"
SIMULATE = "simulate"
FAILED = 1
NARROWEST, WIDEST = 60, 120
STANDARD_INPUT = "-"

EXAMPLES = f"""\
examples:
  {PROGRAM} explain qwen3-embedding -n search        why it has its replicas
  kubectl get embsvc qwen3-embedding -o yaml > saved.yaml
  {PROGRAM} explain -f saved.yaml                    the same, without access to the cluster
  {PROGRAM} simulate service.yaml                    the windows of its schedule
  {PROGRAM} simulate service.yaml --trace traces     its cost and latency on recorded traffic
"""


def main() -> None:
    """Run the command line of this process; exit with 1 if the command fails, with 2 on wrong usage."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.command is None:
        parser.print_help()
        return
    try:
        text = simulated(arguments, width=_width()) if arguments.command == SIMULATE else _explained(arguments)
    except CommandError as error:
        print(printable(f"error: {error}"), file=sys.stderr)  # noqa: T201 - the output of the command
        sys.exit(FAILED)
    try:
        print(printable(text), end="")  # noqa: T201 - the output of the command
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe; without this, Python would report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(arguments: argparse.Namespace, *, environment: Mapping[str, str]) -> str:
    """Return the explanation of the service that `arguments` name; raise `CommandError` if it cannot be read."""
    subject = _saved(arguments) if arguments.filename is not None else _fetched(arguments, environment=environment)
    now = datetime.now(UTC)
    return document(subject, now=now) if arguments.output == "json" else told(subject, now=now, width=_width())


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
        message = f"{arguments.filename} cannot be read: {getattr(error, 'strerror', None) or 'not a text file'}"
        raise CommandError(message) from error
    return read_subject(text, name=arguments.name, origin=arguments.filename)


def _fetched(arguments: argparse.Namespace, *, environment: Mapping[str, str]) -> Subject:
    # Imported here, as the API client takes time to import and explaining a file does not need it.
    from embedding_operator.cli.cluster import Place, fetch_subject  # noqa: PLC0415

    if arguments.name is None:
        raise CommandError("name the service to explain, or give a saved one with -f")
    kubeconfig = arguments.kubeconfig or environment.get("KUBECONFIG") or "~/.kube/config"
    place = Place(kubeconfig=Path(kubeconfig).expanduser(), context=arguments.context, namespace=arguments.namespace)
    return asyncio.run(fetch_subject(arguments.name, place=place, version=version("embedding-operator")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Explains and simulates EmbeddingServices.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('embedding-operator')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    explaining = commands.add_parser(
        "explain",
        help="explain why a service has its current replicas",
        description="Explains, from its status, why an EmbeddingService has its current replicas.",
        allow_abbrev=False,
    )
    explaining.add_argument("name", metavar="NAME", nargs="?", help="name of the EmbeddingService")
    explaining.add_argument("-n", "--namespace", help="namespace of the EmbeddingService; default: that of the context")
    explaining.add_argument("--context", help="context in the kubeconfig; default: the current one")
    explaining.add_argument("--kubeconfig", help="path of the kubeconfig; default: $KUBECONFIG, else ~/.kube/config")
    explaining.add_argument(
        "-f", "--filename", metavar="FILE", help="read the service from a file, or from - (standard input)"
    )
    explaining.add_argument("-o", "--output", choices=("text", "json"), default="text")
    add_simulate(commands)
    return parser


if __name__ == "__main__":
    main()
