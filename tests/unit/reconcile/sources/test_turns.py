"""Requests take turns by owner: what one owner asks for, however slow, leaves room for the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from embedding_operator.reconcile.sources.turns import Turns
from hypothesis import given
from hypothesis import strategies as st


@asynccontextmanager
async def answering(*, at_a_time: int, each: int) -> AsyncIterator["Answers"]:
    answers = Answers(at_a_time=at_a_time, each=each)
    yield answers
    await answers.turns.close()


class Answers:
    """Notes what is being requested; a request ends when the test says so."""

    def __init__(self, *, at_a_time: int, each: int) -> None:
        self.turns: Turns[str] = Turns(self._ask, at_a_time=at_a_time, each=each)
        self.begun: list[str] = []
        self._open: dict[str, asyncio.Future[None]] = {}

    @property
    def open(self) -> list[str]:
        return list(self._open)

    async def want(self, *keys: str) -> None:
        """Request keys, whose first letter is their owner."""
        self.turns.want({key: key[0] for key in keys})
        await settle()

    async def end(self, key: str) -> None:
        self._open.pop(key).set_result(None)
        await settle()

    async def _ask(self, key: str) -> None:
        self.begun.append(key)
        self._open[key] = asyncio.get_running_loop().create_future()
        await self._open[key]


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def test_an_owner_with_many_slow_requests_leaves_room_for_the_others() -> None:
    async with answering(at_a_time=4, each=3) as answers:
        await answers.want("a1", "a2", "a3", "a4", "a5", "b1")
        assert answers.open == ["a1", "b1", "a2", "a3"]
        await answers.end("b1")
        assert answers.open == ["a1", "a2", "a3"], "no more than three of one owner"
        await answers.end("a2")
        assert answers.open == ["a1", "a3", "a4"]


async def test_what_has_waited_comes_first_and_what_is_not_wanted_any_more_is_dropped() -> None:
    async with answering(at_a_time=1, each=1) as answers:
        await answers.want("a1", "a2", "a3", "b1")
        await answers.want("a0", "a1", "a2", "b1", "c1")
        for key in ("a1", "b1", "c1", "a2", "a0"):
            assert answers.open == [key]
            await answers.end(key)
        assert answers.open == []


async def test_what_is_in_progress_is_not_requested_again_and_later_it_is() -> None:
    async with answering(at_a_time=2, each=2) as answers:
        await answers.want("a1")
        await answers.want("a1")
        assert answers.begun == ["a1"]
        await answers.end("a1")
        await answers.want("a1")
        assert answers.begun == ["a1", "a1"]


async def test_an_error_frees_the_turn() -> None:
    begun: list[str] = []

    async def fail(key: str) -> None:
        begun.append(key)
        raise ValueError(key)

    turns: Turns[str] = Turns(fail, at_a_time=1, each=1)
    turns.want({"a1": "a", "a2": "a", "b1": "b"})
    await settle()
    assert begun == ["a1", "b1", "a2"]


async def test_after_closing_nothing_begins() -> None:
    async with answering(at_a_time=1, each=1) as answers:
        await answers.want("a1", "a2")
        await answers.turns.close()
        await answers.want("b1")
        assert answers.begun == ["a1"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)).map(lambda key: f"{key[0]}{key[1]}"), unique=True),
    st.integers(1, 5),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_everything_is_requested_once_within_the_limits(
    keys: list[str], at_a_time: int, each: int, random: Random
) -> None:
    async def run() -> None:
        async with answering(at_a_time=at_a_time, each=each) as answers:
            await answers.want(*keys)
            while answers.open:
                assert len(answers.open) <= at_a_time
                assert max(Counter(key[0] for key in answers.open).values()) <= each
                await answers.end(random.choice(answers.open))
            assert sorted(answers.begun) == sorted(keys)

    asyncio.run(run())
