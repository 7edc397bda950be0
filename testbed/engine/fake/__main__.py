"""Run a fake engine: `python -m testbed.engine.fake`, or `python -m sglang.launch_server` in the test image."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from aiohttp import web

from .application import application
from .faults import Fault
from .fleet import Fleet, FleetPhase
from .settings import Settings, SettingsError, read_settings

BACKLOG = 4096
LAST_ANSWERS_SECONDS = 1.0


def main() -> None:
    """Serve until SIGTERM and the last response; exit with status 0 then, with an error status for invalid settings."""
    try:
        settings = read_settings(sys.argv[1:], environment=os.environ)
    except SettingsError as error:
        sys.exit(f"fake engine: {error}")
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Load, bind the port, warm up, serve, drain.

    As in the real engine, nothing listens while the model loads, and SIGTERM has no handler until the port is bound.
    """
    behaviour = settings.behaviour
    is_bound_early = Fault.READY_BEFORE_LOADED in behaviour.faults
    if not is_bound_early:
        await asyncio.sleep(behaviour.start_delay_seconds)
    fleet = Fleet(settings)
    runner = web.AppRunner(
        application(fleet),
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=settings.keep_alive_seconds,
        shutdown_timeout=LAST_ANSWERS_SECONDS,
    )
    await runner.setup()
    await web.TCPSite(runner, settings.engine.host, settings.engine.port, backlog=BACKLOG).start()
    terminated = _on_sigterm(fleet)
    if is_bound_early:
        await asyncio.sleep(behaviour.start_delay_seconds)
    await asyncio.sleep(behaviour.ready_delay_seconds)
    await fleet.warm_up()
    await terminated.wait()
    await fleet.drained()
    await runner.cleanup()
    await fleet.stop()


def _on_sigterm(fleet: Fleet) -> asyncio.Event:
    terminated = asyncio.Event()

    def terminate() -> None:
        fleet.phase = FleetPhase.TERMINATING
        terminated.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    return terminated


if __name__ == "__main__":
    main()
