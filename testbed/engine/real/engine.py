"""The real SGLang embedding server as a process of a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.engine.process import LOOPBACK, EngineProcess, free_port

from .environment import ENGINE_VARIABLES, EngineEnvironment


class RealEngine(EngineProcess):
    """SGLang 0.5.23 with MiniLM on a CPU: about 4 GB of memory, ready within a minute on two cores."""

    def __init__(self, environment: EngineEnvironment, *, log: Path, options: Sequence[str] = ()) -> None:
        port = free_port()
        argv = environment.argv(host=LOOPBACK, port=port, options=options)
        super().__init__(argv, port=port, log=log, variables=ENGINE_VARIABLES)
