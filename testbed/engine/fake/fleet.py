"""All engines of a process, and the phase of the process: loading, serving, terminating."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import Enum

from .faults import Fault
from .replica import Replica
from .script import Script
from .settings import SHARED_ADDRESS, Settings


class FleetPhase(Enum):
    """Phases of the process after its port is bound."""

    LOADING = "loading"
    SERVING = "serving"
    TERMINATING = "terminating"


class Fleet:
    """The engines by local address; without `per_address`, there is one for all addresses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.phase = FleetPhase.LOADING
        self._replicas: dict[str, Replica] = {}
        self._scripts: dict[str, Script] = {}
        self._faults: dict[str, frozenset[Fault]] = {SHARED_ADDRESS: frozenset(settings.behaviour.faults)}

    def at(self, address: str) -> Replica:
        """Return the engine at a local address, which is created on first use."""
        key = address if self.settings.behaviour.per_address else SHARED_ADDRESS
        replica = self._replicas.get(key)
        if replica is None:
            replica = self._replicas[key] = Replica(self.settings)
            script = self._scripts.get(key, self._scripts.get(SHARED_ADDRESS))
            if script is not None:
                replica.play(script)
            replica.set_faults(self._faults.get(key, self._faults[SHARED_ADDRESS]))
        return replica

    def play(self, address: str, script: Script) -> None:
        """Have the engine at an address report a script; `*` stands for all engines without their own script."""
        self._scripts[address] = script
        for key, replica in self._replicas.items():
            if key == address or (address == SHARED_ADDRESS and key not in self._scripts):
                replica.play(script)

    def set_faults(self, address: str, faults: frozenset[Fault]) -> None:
        """Give the engine at an address exactly these faults; `*` stands for all engines without their own faults."""
        self._faults[address] = faults
        for key, replica in self._replicas.items():
            if key == address or (address == SHARED_ADDRESS and key not in self._faults):
                replica.set_faults(faults)
        if Fault.CRASH in faults and not self.settings.behaviour.per_address:
            self.die()

    def faults(self) -> dict[str, list[str]]:
        """Return the names of the faults that are set, by address."""
        return {address: sorted(fault.value for fault in faults) for address, faults in self._faults.items()}

    def kill(self, address: str) -> None:
        """End the engine at an address as the real one ends: it kills itself, or per address no longer responds."""
        if not self.settings.behaviour.per_address:
            self.die()
        self.set_faults(address, frozenset({Fault.CRASH}))

    def die(self) -> None:
        """End the process as the real engine does when one of its parts fails."""
        os.kill(os.getpid(), signal.SIGKILL)

    async def warm_up(self) -> None:
        """Go from loading to serving; with `per_address`, engines have completed their warm-up from the start."""
        if not self.settings.behaviour.per_address:
            await self.at(SHARED_ADDRESS).warm_up()
        if self.phase is FleetPhase.LOADING:
            self.phase = FleetPhase.SERVING

    async def drained(self) -> None:
        """Return once no embedding call is left, checking as rarely as the real engine does."""
        while True:
            await asyncio.sleep(self.settings.behaviour.drain_poll_seconds)
            if not any(replica.traffic.embeddings_active for replica in self._all()):
                return

    async def stop(self) -> None:
        """End the work of all engines."""
        for replica in self._all():
            await replica.stop()

    def _all(self) -> list[Replica]:
        return list(self._replicas.values())
