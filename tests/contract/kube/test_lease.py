"""Leader election on a real API server, with clocks that only the test moves."""

import asyncio
import math
from dataclasses import dataclass, field

import pytest
from embedding_operator.kube.client import Body
from embedding_operator.kube.lease import Lease, Terms
from embedding_operator.kube.resources import LEASE

from tests.contract.kube.objects import Place, now

pytestmark = pytest.mark.cluster

NAME = "embedding-operator"
TERMS = Terms()


@dataclass
class Clock:
    """Seconds since boot; sleeping moves the clock."""

    seconds: float = 1000.0
    naps: list[float] = field(default_factory=list)
    napped: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds
        self.napped.set()
        await asyncio.sleep(0)


@dataclass
class LockStep:
    """One clock for several processes: once all of them sleep, it moves to the next wake-up."""

    seconds: float = 0.0
    sleeping: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)
    another: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleeping.append((self.seconds + seconds, woken))
        self.another.set()
        await woken

    async def move(self, *, sleepers: int) -> None:
        async with asyncio.timeout(30):
            while len(self.sleeping) < sleepers:
                self.another.clear()
                await self.another.wait()
        self.seconds = min(due for due, _ in self.sleeping)
        for due, woken in self.sleeping:
            if due <= self.seconds:
                woken.set_result(None)
        self.sleeping = [each for each in self.sleeping if each[0] > self.seconds]


async def naps(clock: Clock, count: int) -> None:
    """Wait until the process on `clock` has slept `count` more times."""
    goal = len(clock.naps) + count
    async with asyncio.timeout(30):
        while len(clock.naps) < goal:
            clock.napped.clear()
            await clock.napped.wait()


async def cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def contender(place: Place, identity: str, *, clock: Clock, name: str = NAME) -> Lease:
    return Lease(
        place.client,
        namespace=place.namespace,
        name=name,
        identity=identity,
        terms=TERMS,
        clock=clock,
        now=now,
        sleep=clock.sleep,
    )


async def spec(place: Place) -> Body:
    found: Body = (await place.live(LEASE, NAME))["spec"]
    return found


async def acquired(lease: Lease) -> None:
    await asyncio.wait_for(lease.acquire(), timeout=30)


async def test_the_first_one_makes_the_lease_and_holds_it(place: Place) -> None:
    lease = contender(place, "one", clock=Clock())
    assert not lease.held()
    await acquired(lease)
    assert lease.held()
    assert {key: value for key, value in (await spec(place)).items() if not key.endswith("Time")} == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
    }


async def test_a_holder_that_does_not_renew_stops_writing_before_another_may_begin(place: Place) -> None:
    clock, other = Clock(), Clock()
    first, second = contender(place, "one", clock=clock), contender(place, "two", clock=other)
    await acquired(first)
    waiting = asyncio.create_task(second.acquire())
    await asyncio.wait_for(waiting, timeout=30)
    waited = sum(other.naps)
    assert TERMS.lease_seconds < waited <= TERMS.lease_seconds + 2 * TERMS.retry_seconds
    clock.seconds += TERMS.renew_seconds - 0.1
    assert first.held()
    assert first.write_seconds() + TERMS.renew_seconds - 0.1 < TERMS.lease_seconds, "no write is under way for longer"
    clock.seconds += 0.1
    assert not first.held()
    assert second.held()
    assert ((await spec(place))["holderIdentity"], (await spec(place))["leaseTransitions"]) == ("two", 1)


async def test_while_it_is_renewed_no_other_process_gets_it(place: Place) -> None:
    shared = LockStep()
    first, second = (
        Lease(
            place.client,
            namespace=place.namespace,
            name=NAME,
            identity=identity,
            clock=shared,
            now=now,
            sleep=shared.sleep,
        )
        for identity in ("one", "two")
    )
    await acquired(first)
    acquire_time = (await spec(place))["acquireTime"]
    keeping, waiting = asyncio.create_task(first.keep()), asyncio.create_task(second.acquire())
    while shared.seconds < 60:
        await shared.move(sleepers=2)
        assert first.held()
        assert not second.held()
    assert (await spec(place))["acquireTime"] == acquire_time
    await cancelled(keeping, waiting)


async def test_a_holder_that_lost_it_is_told_and_does_not_come_back(place: Place) -> None:
    lease = contender(place, "one", clock=Clock())
    await acquired(lease)
    await place.edit(LEASE, NAME, {"spec": {"holderIdentity": "thief"}})
    await asyncio.wait_for(lease.keep(), timeout=30)
    assert not lease.held()
    assert (await spec(place))["holderIdentity"] == "thief"


async def test_a_lease_that_was_deleted_is_made_again(place: Place) -> None:
    clock = Clock()
    lease = contender(place, "one", clock=clock)
    await acquired(lease)
    await place.delete(LEASE, NAME)
    keeping = asyncio.create_task(lease.keep())
    await naps(clock, 5)
    assert lease.held()
    assert (await spec(place))["holderIdentity"] == "one"
    await cancelled(keeping)


async def test_a_lease_that_was_deleted_and_taken_by_another_is_lost(place: Place) -> None:
    first, second = contender(place, "one", clock=Clock()), contender(place, "two", clock=Clock())
    await acquired(first)
    await place.delete(LEASE, NAME)
    await acquired(second)
    await asyncio.wait_for(first.keep(), timeout=30)
    assert not first.held()
    assert second.held()


async def test_an_edit_that_leaves_the_holder_is_no_loss(place: Place) -> None:
    clock = Clock()
    lease = contender(place, "one", clock=clock)
    await acquired(lease)
    await place.edit(LEASE, NAME, {"metadata": {"annotations": {"note": "mine"}}})
    keeping = asyncio.create_task(lease.keep())
    await naps(clock, 20)
    assert lease.held()
    await cancelled(keeping)
    assert (await spec(place))["holderIdentity"] == "one"


async def test_a_frozen_process_learns_of_it_at_its_first_write(place: Place) -> None:
    clock = Clock()
    lease = contender(place, "one", clock=clock)
    await acquired(lease)
    gated = place.client.behind(lease.write_seconds)
    assert gated.gate() == pytest.approx(TERMS.write_seconds)
    clock.seconds += 3600
    assert gated.gate() == 0.0


async def test_a_released_lease_is_free_at_once(place: Place) -> None:
    other = Clock()
    first, second = contender(place, "one", clock=Clock()), contender(place, "two", clock=other)
    await acquired(first)
    await first.release()
    assert not first.held()
    await acquired(second)
    assert other.naps == []
    await first.release()
    assert (await spec(place))["holderIdentity"] == "two"


async def test_a_restarted_container_of_the_same_pod_need_not_wait(place: Place) -> None:
    again = Clock()
    await acquired(contender(place, "one", clock=Clock()))
    await acquired(contender(place, "one", clock=again))
    assert again.naps == []
    assert (await spec(place))["leaseTransitions"] == 0


async def test_of_many_exactly_one_gets_it(place: Place) -> None:
    contenders = [contender(place, f"pod-{number}", clock=Clock()) for number in range(8)]
    tasks = [asyncio.create_task(each.acquire()) for each in contenders]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    holders = [each for each in contenders if each.held()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(holders) == 1


async def test_a_server_that_is_away_ends_leadership_in_time(place: Place) -> None:
    """Without a response, the holder stops by its own clock, before any other process may begin."""
    clock, answers = Clock(), [True]
    flaky = Place(place.client.behind(lambda: math.inf if answers[0] else 0.0), place.namespace, place.requests)
    lease = contender(flaky, "one", clock=clock)
    await acquired(lease)
    begun, answers[0] = clock.seconds, False
    await asyncio.wait_for(lease.keep(), timeout=30)
    assert not lease.held()
    assert TERMS.renew_seconds <= clock.seconds - begun < TERMS.lease_seconds


async def test_a_server_that_is_away_for_a_moment_costs_nothing(place: Place) -> None:
    clock = Clock()
    flaky = Place(
        place.client.behind(lambda: 0.0 if len(clock.naps) % 4 else math.inf), place.namespace, place.requests
    )
    lease = contender(flaky, "one", clock=clock)
    await acquired(lease)
    keeping = asyncio.create_task(lease.keep())
    await naps(clock, 20)
    assert lease.held()
    await cancelled(keeping)


@pytest.mark.parametrize("terms", [(10, 10, 2), (15, 2, 2), (15, 16, 2)])
def test_terms_that_are_no_fence_are_refused(terms: tuple[float, float, float]) -> None:
    lease, renew, retry = terms
    with pytest.raises(ValueError, match="retry_seconds < renew_seconds < lease_seconds"):
        Terms(lease_seconds=lease, renew_seconds=renew, retry_seconds=retry)
