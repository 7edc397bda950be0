"""The identity behind a poke: a ServiceAccount token, verified with the public keys of the cluster's issuer.

Verifying costs a fraction of a millisecond and asks no one, so tokens that are not genuine cannot keep genuine ones
waiting. A token stays valid until it expires, after an hour at most, even if its pod is gone: a poke with it costs one
poll.
"""

import asyncio
from collections.abc import Awaitable, Callable

import jwt

from embedding_operator.kube.errors import Gone, Unavailable
from embedding_operator.kube.token_issuer import TokenIssuer

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
READ_SPACING_SECONDS = 10.0

ReadIssuer = Callable[[], Awaitable[TokenIssuer]]


class _Issuer:
    """An issuer whose keys are ready to be used, by key ID."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self.name = issuer.name
        self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(issuer.keys).keys}


class Tokens:
    """Verifies tokens for one audience. The issuer's keys are read when a token has an unknown one, but seldom."""

    def __init__(self, read_issuer: ReadIssuer, *, audience: str, monotonic: Callable[[], float]) -> None:
        self._read_issuer = read_issuer
        self._audience = audience
        self._monotonic = monotonic
        self._issuer: _Issuer | None = None
        self._failure: Gone | Unavailable | None = None
        self._next_read = monotonic()
        self._reading = asyncio.Lock()

    async def user_of(self, token: str) -> str | None:
        """Return the name of the user that `token` authenticates, None if it is not valid.

        Raises `Gone` or `Unavailable` if the issuer's keys cannot be read and never were.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            issuer = await self._issuer_of(key_id)
            if issuer is None:
                return None
            claims = jwt.decode(
                token,
                issuer.keys[key_id],
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=issuer.name,
                options={"require": ["exp", "sub", "aud", "iss"]},
            )
        except (jwt.PyJWTError, RecursionError):
            return None
        user = claims["sub"]
        return user if isinstance(user, str) and user else None

    async def _issuer_of(self, key_id: object) -> _Issuer | None:
        """Return the issuer if it has this key. An unknown key may be a new one."""
        if not isinstance(key_id, str):
            return None
        if not self._has(key_id):
            async with self._reading:
                if not self._has(key_id):
                    await self._read()
        return self._issuer if self._has(key_id) else None

    def _has(self, key_id: str) -> bool:
        return self._issuer is not None and key_id in self._issuer.keys

    async def _read(self) -> None:
        """Read the issuer's keys, unless that was tried a moment ago."""
        if self._monotonic() >= self._next_read:
            self._next_read = self._monotonic() + READ_SPACING_SECONDS
            try:
                self._issuer, self._failure = _Issuer(await self._read_issuer()), None
            except (Gone, Unavailable) as error:
                self._failure = error
        if self._issuer is None and self._failure is not None:
            raise self._failure
