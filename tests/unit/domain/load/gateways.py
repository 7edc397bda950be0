"""Any samples that a gateway may report."""

from embedding_operator.domain.observation import GatewayLoad
from hypothesis import strategies as st

from tests.world.observations import at, gateway


@st.composite
def gateways(draw: st.DrawFn) -> GatewayLoad:
    expected = draw(st.integers(0, 3))
    answering = draw(st.integers(0, expected))
    return gateway(
        waiting=draw(st.sampled_from([0.0, 0.0, 1.0, 40.0])),
        rate=draw(st.none() | st.sampled_from([0.0, 1.0])),
        quiet_since=at(-draw(st.sampled_from([1, 30, 7200]))),
        last_arrival=draw(st.none() | st.integers(0, 60).map(lambda age: at(-age))),
        answering=answering,
        reporting=draw(st.integers(0, answering)),
        expected=expected,
    )
