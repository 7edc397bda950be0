"""The composition root: settings, logs, kopf, and the operator behind it."""

import asyncio
import os
import sys
from importlib.metadata import version
from pathlib import Path

from embedding_operator import logs
from embedding_operator.gateway import command as gateway_agent
from embedding_operator.settings import Settings, SettingsError

SHELL_SECONDS = 0.5
UNUSABLE_SETTINGS = 2


def main() -> None:
    """Run the operator, or the gateway's agent where that is named; exit with 2 on settings that cannot be used."""
    if sys.argv[1:2] == [gateway_agent.NAME]:
        gateway_agent.main(sys.argv[2:])
        return
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"embedding-operator: {error}", file=sys.stderr)  # noqa: T201 - logs are configured by the settings
        sys.exit(UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)
    asyncio.run(run(settings))


async def run(settings: Settings) -> None:
    """Run kopf as the watch shell of one `Operator`."""
    # A gateway's agent, of which there are many, does without the memory that these take.
    import kopf  # noqa: PLC0415

    from embedding_operator.app.operator import Operator  # noqa: PLC0415
    from embedding_operator.handlers import lifecycle, probes, watches  # noqa: PLC0415

    stop = asyncio.Event()
    registry = kopf.get_default_registry()
    operator = Operator(settings, version=version("embedding-operator"), kubeconfig=_kubeconfig(), ended=stop.set)
    lifecycle.register(registry, start=operator.start, stop=operator.stop)
    watches.register(registry, seen=operator.seen)
    probes.register(registry, idle_seconds=operator.idle_seconds)
    stopped = asyncio.create_task(operator.stopped.wait())
    shell = asyncio.create_task(
        kopf.operator(
            registry=registry,
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            standalone=True,
            # kopf would look for the name of its user, and the user of the container has none. What it takes is a text,
            # but the NewType that it calls it by is not public.
            identity=settings.pod_name,  # type: ignore[arg-type]
            liveness_endpoint=f"http://0.0.0.0:{settings.health_port}/healthz",
            stop_flag=stop,
        )
    )
    await asyncio.wait({shell, stopped}, return_when=asyncio.FIRST_COMPLETED)
    # Everything of ours has ended by now; kopf would wait five seconds for whatever else runs in the loop.
    await asyncio.wait({shell}, timeout=SHELL_SECONDS)
    if shell.done():
        shell.result()


def _kubeconfig() -> Path | None:
    """Return the file that KUBECONFIG names, or None inside a pod."""
    named = os.environ.get("KUBECONFIG")
    return Path(named) if named else None


if __name__ == "__main__":
    main()
