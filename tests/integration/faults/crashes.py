"""An operator that is killed again and again, at its writes."""

from collections.abc import Callable
from typing import NamedTuple

from testbed.harness.api_faults import CrashAtWrite
from testbed.harness.api_proxy import ApiProxy
from testbed.harness.operator_process import OperatorProcess
from testbed.waiting import eventually


class Side(NamedTuple):
    """On which side of a write the operator is killed."""

    name: str
    lands: bool


SIDES = (Side("before", lands=False), Side("after", lands=True))


class CrashingOperator:
    """Starts the operator anew after each kill; `killed_at` names the writes.

    A new process applies every child once: the n-th one is killed at its n-th write, to get further than the last.
    """

    def __init__(self, operator: OperatorProcess, proxy: ApiProxy, *, side: Side) -> None:
        self._operator, self._proxy, self._side = operator, proxy, side
        self._crash: CrashAtWrite | None = None
        self.killed_at: list[str] = []

    def until(self, what: str, done: Callable[[], bool], *, seconds: float) -> None:
        """Let it crash until `done`; then leave it running, without faults."""
        self._arm()
        try:
            eventually(what, lambda: self._revived() and done(), seconds=seconds)
        except AssertionError as late:
            message = f"{late}; killed at: {', '.join(self.killed_at)}"
            raise AssertionError(message) from late
        self._proxy.set()
        self._note()
        self._crash = None
        if not self._operator.is_running():
            self._operator.start()

    def _revived(self) -> bool:
        if not self._operator.is_running():
            self._note()
            self._arm()
            self._operator.start()
        return True

    def _note(self) -> None:
        if self._crash is not None and self._crash.killed_at is not None:
            self.killed_at.append(str(self._crash.killed_at))

    def _arm(self) -> None:
        nth = len(self.killed_at) + 1
        self._crash = CrashAtWrite(self._operator.kill, nth=nth, lands=self._side.lands)
        self._proxy.set(self._crash)
