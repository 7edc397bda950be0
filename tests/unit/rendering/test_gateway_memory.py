"""The connections of a gateway follow from its memory and from the largest body."""

import pytest
from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.rendering.gateway_memory import FEWEST, MIB, MOST, connections, connections_within
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({}, 923),
        ({"resources": {"limits": {"memory": "1Gi"}}}, 444),
        ({"resources": {"limits": {"memory": "9Gi"}}}, MOST),
        ({"resources": {"requests": {"memory": "9Gi"}}}, MOST),
        ({"resources": {"limits": {"memory": "64Mi"}}}, FEWEST),
        ({"bodyLimitKiB": 1}, MOST),
        ({"bodyLimitKiB": 16384}, 57),
    ],
)
def test_connections_of_a_gateway(spec: dict[str, object], count: int) -> None:
    assert connections(GatewaySpec.model_validate(spec)) == count


@given(memory=st.integers(-1, 2**50), body=st.integers(1024, 64 * MIB))
def test_all_connections_fit_at_once_or_are_the_fewest(memory: int, body: int) -> None:
    count = connections_within(memory, body_limit_bytes=body)
    assert FEWEST <= count <= MOST
    assert count == FEWEST or 2 * count * body < memory
