"""Faults between an operator and the API server, for `ApiProxy`. Leases pass unless a fault says otherwise."""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus

from testbed.harness.api_proxy import Call, Dropped, Fault, Forward, Reply

JSON = {"Content-Type": "application/json"}


class Counting(Fault):
    """A fault that counts what it was applied to."""

    def __init__(self) -> None:
        self.times = 0


class CrashAtWrite(Counting):
    """The operator is killed at its `nth` write, which is lost (`lands=False`) or whose answer is lost."""

    def __init__(self, kill: Callable[[], None], *, nth: int, lands: bool) -> None:
        super().__init__()
        self._kill, self._nth, self._lands = kill, nth, lands
        self.killed_at: Call | None = None

    async def answer(self, call: Call, forward: Forward) -> Reply:
        if self.killed_at is not None:
            raise Dropped
        if not call.is_write or call.number != self._nth:
            return await forward(call)
        self.killed_at = call
        self.times += 1
        if self._lands:
            await forward(call)
        self._kill()
        raise Dropped


class Refused(Counting):
    """Requests get an error; with `reads=False`, only writes."""

    def __init__(self, status: HTTPStatus, *, reads: bool = True, retry_after: int | None = None) -> None:
        super().__init__()
        retry = {} if retry_after is None else {"Retry-After": str(retry_after)}
        said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": status.phrase, "code": status}
        self._reads = reads
        self._reply = Reply(status=status, headers={**JSON, **retry}, body=json.dumps(said).encode())

    async def answer(self, call: Call, forward: Forward) -> Reply:
        if call.resource == "leases" or not (self._reads or call.is_write):
            return await forward(call)
        self.times += 1
        return self._reply

    def opens_watches(self) -> Reply | None:
        self.times += self._reads
        return self._reply if self._reads else None


class WatchesGone(Counting):
    """Every watch is answered with 410: the version that it begins at is forgotten."""

    def opens_watches(self) -> Reply | None:
        self.times += 1
        said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": HTTPStatus.GONE}
        event = {"type": "ERROR", "object": said}
        return Reply(status=HTTPStatus.OK, headers=JSON, body=json.dumps(event).encode() + b"\n")


class WatchesSilent(Counting):
    """Watches are open, and their events are lost."""

    def withholds(self) -> bool:
        self.times += 1
        return True


class Slow(Counting):
    """Every answer takes `seconds` longer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def answer(self, call: Call, forward: Forward) -> Reply:
        self.times += 1
        await asyncio.sleep(0 if call.resource == "leases" else self._seconds)
        return await forward(call)


class AnswersLost(Counting):
    """Writes land, and the connection is closed instead of an answer."""

    async def answer(self, call: Call, forward: Forward) -> Reply:
        reply = await forward(call)
        if not call.is_write:
            return reply
        self.times += 1
        raise Dropped
