"""`embedding-operator gateway-agent`: runs beside HAProxy, and with `--prepare` once before it starts."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from embedding_operator import logs
from embedding_operator.gateway.keys import UNUSABLE_KEY, read_keys, write_map
from embedding_operator.gateway.settings import Settings
from embedding_operator.gateway.state_map import write_state
from embedding_operator.settings import SettingsError

NAME = "gateway-agent"
UNUSABLE_SETTINGS = 2

_log = structlog.get_logger(__name__)


def main(argv: Sequence[str]) -> None:
    """Run the agent until it is told to stop, or prepare what HAProxy needs to start.

    Exits with 2 on settings that cannot be used, with 1 on any other failure.
    """
    parser = argparse.ArgumentParser(prog=f"embedding-operator {NAME}", description=__doc__, allow_abbrev=False)
    parser.add_argument("--prepare", action="store_true", help="write the maps that HAProxy starts with, and exit")
    prepare_only = parser.parse_args(argv).prepare
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)  # noqa: T201 - logs are configured from the settings
        sys.exit(UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)
    try:
        if prepare_only:
            prepare(settings)
        else:
            _run(settings)
    except Exception:
        _log.exception("the agent failed")
        sys.exit(1)


def prepare(settings: Settings) -> None:
    """Write the maps that HAProxy starts with. A key that cannot be used locks out only its own client."""
    keys = read_keys(settings.keys_folder)
    for problem in keys.problems:
        _log.error(UNUSABLE_KEY, problem=problem)
    write_map(settings.keys_map, keys.clients)
    write_state(settings.state_map)
    _log.info("prepared", clients=sorted(keys.clients.values()))


def _run(settings: Settings) -> None:
    # Imported here: preparing takes a fraction of the time and memory of importing the API client.
    from embedding_operator.gateway import agent  # noqa: PLC0415

    kubeconfig = os.environ.get("KUBECONFIG")
    asyncio.run(agent.run(settings, kubeconfig=Path(kubeconfig) if kubeconfig else None))
