"""The queue of keys on a clock that only the test moves."""

import asyncio
import math

import pytest
from embedding_operator.kube.backoff import Backoff
from embedding_operator.reconcile.workqueue.queue import Failed, KeyedQueue, KeySchedule, Succeeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.world.timeline import ManualTimeline, settled

STEADY = Backoff(jitter=lambda: 0.0, first=1.0, longest=60.0)


def schedule() -> KeySchedule[str]:
    return KeySchedule(STEADY)


def test_a_key_is_handed_out_once_however_often_it_was_added() -> None:
    keys = schedule()
    for _ in range(500):
        keys.add("a", due=0.0)
    assert keys.take(now=0.0) == "a"
    assert keys.take(now=math.inf) is None


def test_the_earliest_wish_counts() -> None:
    keys = schedule()
    keys.add("a", due=9.0)
    keys.add("a", due=3.0)
    keys.add("a", due=7.0)
    assert keys.next_due() == 3.0
    assert keys.take(now=2.9) is None
    assert keys.take(now=3.0) == "a"
    assert keys.next_due() == math.inf


def test_keys_due_at_the_same_time_come_in_the_order_in_which_they_were_added() -> None:
    keys = schedule()
    for key in "cab":
        keys.add(key, due=1.0)
    assert [keys.take(now=1.0) for _ in range(3)] == ["c", "a", "b"]


def test_a_running_key_is_not_handed_out_and_comes_back_when_it_was_added_meanwhile() -> None:
    keys = schedule()
    keys.add("a", due=0.0)
    assert keys.take(now=0.0) == "a"
    keys.add("a", due=0.0)
    keys.add("a", due=1.0)
    assert keys.take(now=5.0) is None
    keys.done("a", Succeeded(), now=5.0)
    assert keys.take(now=5.0) == "a"
    keys.done("a", Succeeded(), now=5.0)
    assert keys.take(now=99.0) is None


@pytest.mark.parametrize(
    ("outcome", "due"),
    [
        (Succeeded(), math.inf),
        (Succeeded(requeue_after=30.0), 40.0),
        (Succeeded(requeue_after=math.inf), math.inf),
        (Failed(), 11.0),
        (Failed(retry_after=7.0), 17.0),
    ],
)
def test_the_outcome_says_when_the_key_is_due_again(outcome: Succeeded | Failed, due: float) -> None:
    keys = schedule()
    keys.add("a", due=0.0)
    keys.take(now=0.0)
    keys.done("a", outcome, now=10.0)
    assert keys.next_due() == due


def test_an_event_during_a_run_beats_the_pause_after_a_failure() -> None:
    keys = schedule()
    keys.add("a", due=0.0)
    keys.take(now=0.0)
    keys.add("a", due=0.5)
    keys.done("a", Failed(), now=1.0)
    assert keys.next_due() == 0.5


def test_pauses_double_up_to_the_longest_and_start_again_after_a_success() -> None:
    keys = schedule()
    now, pauses = 0.0, []
    keys.add("a", due=now)
    for _ in range(9):
        assert keys.take(now=now) == "a"
        keys.done("a", Failed(), now=now)
        pauses.append(keys.next_due() - now)
        now = keys.next_due()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    keys.take(now=now)
    keys.done("a", Succeeded(requeue_after=0.0), now=now)
    keys.take(now=now)
    keys.done("a", Failed(), now=now)
    assert keys.next_due() - now == 1.0


def test_a_thousand_failures_do_not_overflow() -> None:
    assert STEADY.pause(1000) == 60.0


def test_a_forgotten_key_is_not_handed_out_and_starts_with_the_first_pause() -> None:
    keys = schedule()
    keys.add("a", due=0.0)
    keys.take(now=0.0)
    keys.done("a", Failed(), now=0.0)
    keys.forget("a")
    assert keys.next_due() == math.inf
    keys.add("a", due=5.0)
    keys.take(now=5.0)
    keys.done("a", Failed(), now=5.0)
    assert keys.next_due() == 6.0


def test_a_key_forgotten_while_it_runs_does_not_come_back() -> None:
    keys = schedule()
    keys.add("a", due=0.0)
    keys.take(now=0.0)
    keys.add("a", due=0.0)
    keys.forget("a")
    keys.done("a", Succeeded(), now=1.0)
    assert keys.take(now=99.0) is None


def test_overdue_counts_what_waits_for_a_worker() -> None:
    keys = schedule()
    for key, due in (("running", 0.0), ("late", 2.0), ("later", 6.0), ("future", 50.0)):
        keys.add(key, due=due)
    keys.take(now=0.0)
    keys.add("running", due=0.0)
    assert keys.overdue(now=10.0) == (2, 8.0)
    assert schedule().overdue(now=10.0) == (0, 0.0)


class Rules(RuleBasedStateMachine):
    """Any order of calls, compared with a model that is a plain dictionary."""

    @initialize()
    def begin(self) -> None:
        self.keys = schedule()
        self.now = 0.0
        self.wishes: dict[str, float] = {}
        self.running: set[str] = set()

    @rule(key=st.sampled_from("abcd"), after=st.floats(0, 20))
    def add(self, key: str, after: float) -> None:
        self.keys.add(key, due=self.now + after)
        self.wishes[key] = min(self.wishes.get(key, math.inf), self.now + after)

    @rule()
    def take(self) -> None:
        due = {key: when for key, when in self.wishes.items() if key not in self.running and when <= self.now}
        taken = self.keys.take(now=self.now)
        assert (taken is None) == (not due)
        if taken is not None:
            assert due[taken] == min(due.values())
            del self.wishes[taken]
            self.running.add(taken)

    @precondition(lambda self: self.running)
    @rule(pick=st.integers(0, 3), outcome=st.sampled_from([Succeeded(), Failed(retry_after=100.0)]))
    def done(self, pick: int, outcome: Succeeded | Failed) -> None:
        key = sorted(self.running)[pick % len(self.running)]
        self.running.remove(key)
        self.keys.done(key, outcome, now=self.now)
        if isinstance(outcome, Failed):
            self.wishes[key] = min(self.wishes.get(key, math.inf), self.now + 100.0)

    @rule(key=st.sampled_from("abcd"))
    def forget(self, key: str) -> None:
        self.keys.forget(key)
        self.wishes.pop(key, None)

    @rule(seconds=st.floats(0, 50))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def knows_when_the_next_key_is_due(self) -> None:
        due = [when for key, when in self.wishes.items() if key not in self.running]
        assert self.keys.next_due() == min(due, default=math.inf)


TestRules = Rules.TestCase


def started(clock: ManualTimeline) -> KeyedQueue[str]:
    return KeyedQueue(timeline=clock, backoff=STEADY)


async def test_get_waits_until_a_key_is_due() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    got = asyncio.create_task(queue.get())
    queue.add("a", after=5.0)
    await clock.move(4.9)
    assert not got.done()
    await clock.move(0.1)
    assert got.result() == "a"


async def test_an_earlier_wish_wakes_the_worker_earlier() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    got = asyncio.create_task(queue.get())
    queue.add("a", after=50.0)
    await clock.move(1.0)
    queue.add("a")
    await settled()
    assert got.result() == "a"


async def test_every_waiting_worker_gets_its_own_key() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await settled()
    for key in "abcde":
        queue.add(key)
    await settled()
    assert sorted(worker.result() for worker in workers) == ["a", "b", "c"]
    assert queue.overdue() == (2, 0.0)


async def test_a_failed_key_comes_back_after_its_pause() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    queue.add("a")
    queue.done(await queue.get(), Failed())
    again = asyncio.create_task(queue.get())
    await clock.move(0.9)
    assert not again.done()
    await clock.move(0.1)
    assert again.result() == "a"


async def test_a_worker_that_is_cancelled_as_it_wakes_up_hands_the_key_on() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await settled()
    queue.add("a")
    first.cancel()
    await settled()
    assert first.cancelled()
    assert second.result() == "a"


async def test_waiting_sets_one_timer_and_no_more() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    got = asyncio.create_task(queue.get())
    for seconds in range(100, 200):
        queue.add(f"key-{seconds}", after=float(seconds))
    await clock.move(99.0)
    assert not got.done()
    assert clock.set == 1


async def test_a_forgotten_key_wakes_nobody() -> None:
    clock = ManualTimeline()
    queue = started(clock)
    got = asyncio.create_task(queue.get())
    queue.add("a", after=1.0)
    queue.forget("a")
    await clock.move(10.0)
    assert not got.done()
    got.cancel()
    await settled()


async def test_the_event_loop_is_a_timeline() -> None:
    queue: KeyedQueue[str] = KeyedQueue(timeline=asyncio.get_running_loop(), backoff=STEADY)
    queue.add("a", after=0.01)
    assert await asyncio.wait_for(queue.get(), timeout=5) == "a"
