"""The identity behind a poke. The API server reviews a token at most once a minute, all tokens 20 times a second."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from embedding_operator.poke.rate_limit import RateLimit

KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 10.0
REMEMBERED_TOKENS = 4096
REVIEW_SPACING_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 0.5

Review = Callable[[str], Awaitable[str | None]]
"""Returns the name of the user that the token authenticates, None if it is not valid."""


class Busy(Exception):  # noqa: N818 - it says what the server is
    """Too many unknown tokens are waiting for review."""


class _Known(NamedTuple):
    until: float
    user: str | None


class Identities:
    """Remembers the users of tokens. Only the digests of tokens are kept, not the tokens."""

    def __init__(self, review: Review, *, monotonic: Callable[[], float]) -> None:
        self._review = review
        self._monotonic = monotonic
        self._rate_limit: RateLimit[bytes] = RateLimit(each=0.0, overall=REVIEW_SPACING_SECONDS)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[str | None]] = {}

    async def user_of(self, token: str) -> str | None:
        """Return the user of `token`, None if it is not valid. Raises `Busy`, and whatever the review raises."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known.until > self._monotonic():
            return known.user
        asked = self._asked.get(digest)
        if asked is None:
            asked = asyncio.create_task(self._ask(token, digest, after=self._turn(digest)))
            self._asked[digest] = asked
            asked.add_done_callback(lambda task: self._answered(digest, task))
        # Several pokes may wait for one review: cancelling one of them must not end it for the others.
        return await asyncio.shield(asked)

    def _turn(self, digest: bytes) -> float:
        """Return the seconds to wait before the next review."""
        now = self._monotonic()
        if len(self._asked) * REVIEW_SPACING_SECONDS > LONGEST_WAIT_SECONDS:
            raise Busy
        return max(0.0, self._rate_limit.book(digest, now=now) - now)

    async def _ask(self, token: str, digest: bytes, *, after: float) -> str | None:
        await asyncio.sleep(after)
        user = await self._review(token)
        seconds = UNKNOWN_SECONDS if user is None else KNOWN_SECONDS
        self._known[digest] = _Known(until=self._monotonic() + seconds, user=user)
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return user

    def _answered(self, digest: bytes, task: asyncio.Task[str | None]) -> None:
        del self._asked[digest]
        if not task.cancelled():
            # Retrieved here, because every caller that waited for it may be gone.
            task.exception()
