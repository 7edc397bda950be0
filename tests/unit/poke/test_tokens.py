"""Whose tokens are believed, and that tokens that are not genuine cost no request and keep no genuine one waiting."""

import base64

import jwt
import pytest
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.token_issuer import TokenIssuer
from embedding_operator.poke.tokens import READ_SPACING_SECONDS, Tokens
from embedding_operator.rendering.gateway_pod import AUDIENCE
from hypothesis import given
from hypothesis import strategies as st

from tests.world.issuer import GATEWAY, IssuerOfTests


class World:
    """An API server that publishes one issuer; counts how often it was read."""

    def __init__(self, issuer: IssuerOfTests) -> None:
        self.issuer = issuer
        self.reads = 0
        self.now = 100.0
        self.error: Unavailable | None = None
        self.tokens = Tokens(self.read, audience=AUDIENCE, monotonic=lambda: self.now)

    async def read(self) -> TokenIssuer:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.issuer.published


@pytest.fixture(scope="module")
def issuer() -> IssuerOfTests:
    return IssuerOfTests()


@pytest.fixture
def world(issuer: IssuerOfTests) -> World:
    return World(issuer)


async def test_a_genuine_token_is_believed_and_the_keys_are_read_once(world: World) -> None:
    for _ in range(3):
        assert await world.tokens.user_of(world.issuer.token()) == GATEWAY
    assert world.reads == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"aud": ["https://kubernetes.default.svc"]},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"nbf": 4_000_000_000},
    ],
    ids=str,
)
async def test_a_token_for_something_else_is_not(world: World, claims: dict[str, object]) -> None:
    assert await world.tokens.user_of(world.issuer.token(**claims)) is None


async def test_a_token_signed_by_another_key_of_the_same_name_is_not(world: World) -> None:
    assert await world.tokens.user_of(IssuerOfTests().token()) is None


async def test_a_token_without_a_signature_or_with_a_shared_secret_is_not(world: World) -> None:
    claims = jwt.decode(world.issuer.token(), options={"verify_signature": False})
    headers = {"kid": world.issuer.key_id}
    assert await world.tokens.user_of(jwt.encode(claims, "", algorithm="none", headers=headers)) is None
    shared = jwt.encode(claims, world.issuer.key_id * 10, algorithm="HS256", headers=headers)
    assert await world.tokens.user_of(shared) is None


def junk(number: int) -> str:
    """Return a token that looks genuine but for its key, which the issuer does not have."""
    header, _, rest = IssuerOfTests(f"junk-{number}").token().partition(".")
    return f"{header}.{rest}"


async def test_junk_costs_no_request_and_keeps_no_genuine_token_waiting(world: World) -> None:
    for number in range(50):
        assert await world.tokens.user_of(junk(number)) is None
        assert await world.tokens.user_of(world.issuer.token()) == GATEWAY
    assert world.reads == 1


async def test_a_new_key_is_known_soon(world: World) -> None:
    assert await world.tokens.user_of(world.issuer.token()) == GATEWAY
    world.issuer = IssuerOfTests("second")
    assert await world.tokens.user_of(world.issuer.token()) is None
    world.now += READ_SPACING_SECONDS
    assert await world.tokens.user_of(world.issuer.token()) == GATEWAY
    assert world.reads == 2


async def test_an_api_server_that_does_not_answer_is_asked_seldom_and_known_keys_stay(world: World) -> None:
    world.error = Unavailable("no answer")
    for number in range(20):
        with pytest.raises(Unavailable):
            await world.tokens.user_of(junk(number))
    assert world.reads == 1
    world.now += READ_SPACING_SECONDS
    world.error = None
    assert await world.tokens.user_of(world.issuer.token()) == GATEWAY
    world.now += READ_SPACING_SECONDS
    world.error = Unavailable("no answer")
    assert await world.tokens.user_of(junk(0)) is None
    assert await world.tokens.user_of(world.issuer.token()) == GATEWAY


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@given(
    st.one_of(st.text(), st.binary().map(part), st.lists(st.binary().map(part), min_size=3, max_size=3).map(".".join))
)
def test_no_text_raises(text: str) -> None:
    _ended(World(ISSUER), text)


@pytest.mark.parametrize("content", [b"[" * 2000, b'{"alg":' * 400, b'{"kid":["first"]}', b'{"kid":{},"alg":"ES256"}'])
def test_no_header_raises(content: bytes) -> None:
    _ended(World(ISSUER), f"{part(content)}.{part(b'{}')}.{part(b'x')}")


ISSUER = IssuerOfTests()


def _ended(world: World, token: str) -> None:
    """Verify a token that is not genuine: with a key that is known, nothing is waited for."""
    verifying = world.tokens.user_of(token)
    with pytest.raises(StopIteration) as ended:
        verifying.send(None)
    assert ended.value.value is None
