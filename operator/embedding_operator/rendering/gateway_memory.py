"""How many connections of clients fit into HAProxy's memory.

A client fills buffers before anyone knows who it is: with headers, with a body, and with what it sends after the body
while that waits. The number of connections is the only limit of this that HAProxy has. Not a buffer of headers: a body
is inspected as a whole, so every buffer can hold one.
"""

from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.rendering import quantity
from embedding_operator.rendering.gateway_config import BUFFER_MARGIN_BYTES

DEFAULT_LIMIT = "2Gi"

MIB = 1024**2
OWN_BYTES = 64 * MIB
"""HAProxy itself, its tables, and the fragments that its allocator holds."""
INSPECTED_BODIES = 8
"""Bodies of maximum size that Lua's memory holds: copies of the one that it reads and of earlier ones."""
BUFFERS = 2
"""Buffers that one connection can fill: one with a request that waits, one with what the client sends after it."""
CONNECTION_BYTES = 16 * 1024
"""What HAProxy keeps of a connection besides its buffers."""

FEWEST, MOST = 16, 4000
"""Bounds of the connections: with fewer no client could be served, with more HAProxy's one thread is the limit."""


def connections_within(memory_bytes: int, *, body_limit_bytes: int) -> int:
    """Return how many connections can fill all of their buffers within a memory limit.

    `FEWEST` may need more than the limit: it is for whoever sets a limit that is too low for the bodies to raise it.
    """
    shared = OWN_BYTES + INSPECTED_BODIES * body_limit_bytes
    each = BUFFERS * (body_limit_bytes + BUFFER_MARGIN_BYTES) + CONNECTION_BYTES
    return min(MOST, max(FEWEST, (memory_bytes - shared) // each))


def memory_limit(gateway: GatewaySpec) -> str | int:
    """Return the memory limit of HAProxy: as stated, else the default or the stated request, whichever is more."""
    stated, request = gateway.resources.limits.get("memory"), gateway.resources.requests.get("memory")
    if stated is not None:
        return stated
    if request is not None and quantity.whole(request) > quantity.whole(DEFAULT_LIMIT):
        return request
    return DEFAULT_LIMIT


def connections(gateway: GatewaySpec) -> int:
    """Return how many connections clients may have to one gateway pod."""
    return connections_within(quantity.whole(memory_limit(gateway)), body_limit_bytes=gateway.body_limit_kib * 1024)
