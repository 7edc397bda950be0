"""Which tokens are reviewed, and how often."""

import asyncio

import pytest
from embedding_operator.poke.identity import KNOWN_SECONDS, REMEMBERED_TOKENS, UNKNOWN_SECONDS, Busy, Identities

from tests.world.timeline import settled

GATEWAY = "system:serviceaccount:search:qwen-gateway"
KNOWN = "good"


class Reviews:
    """Knows one token; counts reviews, and answers when it is allowed to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 100.0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    def monotonic(self) -> float:
        return self.now

    async def review(self, token: str) -> str | None:
        self.asked.append(token)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return GATEWAY if token == KNOWN else None


@pytest.fixture
def reviews() -> Reviews:
    return Reviews()


@pytest.fixture
def identities(reviews: Reviews) -> Identities:
    return Identities(reviews.review, monotonic=reviews.monotonic)


async def test_a_token_is_reviewed_once_a_minute(reviews: Reviews, identities: Identities) -> None:
    for seconds, count in ((0, 1), (KNOWN_SECONDS - 1, 1), (1, 2)):
        reviews.now += seconds
        assert await identities.user_of(KNOWN) == GATEWAY
        assert len(reviews.asked) == count


async def test_a_token_of_no_user_is_reviewed_again_sooner(reviews: Reviews, identities: Identities) -> None:
    assert await identities.user_of("bad") is None
    assert await identities.user_of("bad") is None
    assert reviews.asked == ["bad"]
    reviews.now += UNKNOWN_SECONDS
    assert await identities.user_of("bad") is None
    assert reviews.asked == ["bad", "bad"]


async def test_many_pokes_wait_for_one_review(reviews: Reviews, identities: Identities) -> None:
    reviews.may_answer.clear()
    waiting = [asyncio.create_task(identities.user_of(KNOWN)) for _ in range(20)]
    await settled()
    waiting[0].cancel()
    reviews.may_answer.set()
    assert await asyncio.gather(*waiting[1:]) == [GATEWAY] * 19
    assert reviews.asked == [KNOWN]


async def test_an_error_reaches_all_that_wait_and_is_not_remembered(reviews: Reviews, identities: Identities) -> None:
    reviews.error = OSError("no answer")
    for _ in range(2):
        with pytest.raises(OSError, match="no answer"):
            await identities.user_of(KNOWN)
        reviews.now += 1.0
    reviews.error = None
    assert await identities.user_of(KNOWN) == GATEWAY


async def test_a_flood_of_new_tokens_is_refused_and_known_ones_are_not(
    reviews: Reviews, identities: Identities
) -> None:
    assert await identities.user_of(KNOWN) == GATEWAY
    reviews.may_answer.clear()
    flood = [asyncio.create_task(identities.user_of(f"token-{number}")) for number in range(100)]
    await settled()
    refused = [each for each in flood if each.done() and isinstance(each.exception(), Busy)]
    assert 80 <= len(refused) < 100
    assert await identities.user_of(KNOWN) == GATEWAY
    for each in flood:
        each.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_only_so_many_tokens_are_remembered(reviews: Reviews, identities: Identities) -> None:
    for number in range(REMEMBERED_TOKENS + 10):
        reviews.now += 1.0
        await identities.user_of(f"token-{number}")
    assert len(identities._known) == REMEMBERED_TOKENS
    assert not any(b"token" in digest for digest in identities._known)
