"""One step towards HAProxy's desired state: its servers are the engine endpoints, its keys those of the Secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from embedding_operator.gateway import keys
from embedding_operator.gateway.endpoints import Endpoint
from embedding_operator.gateway.haproxy_socket import Conversation, Refused, RuntimeSocket
from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway.plan import is_at_rest, plan
from embedding_operator.gateway.state_map import ENDING, SYNCHRONIZED, mark

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """HAProxy's desired state. `endpoints` is None until the cluster was read once, `clients` is by hash of key.

    `ending` is whether clients are asked to leave.
    """

    endpoints: tuple[Endpoint, ...] | None = None
    clients: Mapping[str, str] = field(default_factory=dict)
    ending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The result of a step: whether the next one can wait for a change, and what HAProxy did not do, and why.

    `servers` are those before the step.
    """

    at_rest: bool
    servers: tuple[Server, ...]
    refused: tuple[str, ...] = ()


async def step(runtime: RuntimeSocket, wanted: Wanted, *, keys_map: Path, state_map: Path) -> Step:
    """Compare HAProxy with `wanted`, and correct what differs. Raises `Unreachable` and `UnreadableAnswer`."""
    async with runtime.conversation() as conversation:
        servers = await conversation.servers()
        refused = [
            *await _lead(conversation, wanted.endpoints, servers=servers),
            *await _rekey(conversation, wanted.clients, keys_map=keys_map),
            *await _mark(conversation, wanted, servers=servers, state_map=state_map),
        ]
    at_rest = wanted.endpoints is None or is_at_rest(wanted.endpoints, servers)
    return Step(at_rest=at_rest, servers=servers, refused=tuple(refused))


async def _lead(
    conversation: Conversation, endpoints: tuple[Endpoint, ...] | None, *, servers: tuple[Server, ...]
) -> list[str]:
    """Make the servers match the endpoints, if those are known; return what was refused."""
    refused, done = [], []
    for command in () if endpoints is None else plan(endpoints, servers):
        try:
            if await conversation.order(command):
                done.append(command.text)
        except Refused as error:
            refused.append(str(error))
    if done:
        _log.info("servers changed", commands=done)
    return refused


async def _rekey(conversation: Conversation, clients: Mapping[str, str], *, keys_map: Path) -> list[str]:
    try:
        if await keys.synchronize(conversation, path=keys_map, clients=clients):
            _log.info("keys changed", clients=sorted(clients.values()))
    except Refused as error:
        return [str(error)]
    return []


async def _mark(
    conversation: Conversation, wanted: Wanted, *, servers: tuple[Server, ...], state_map: Path
) -> list[str]:
    """Tell HAProxy whether the pod is ready and whether it is terminating; return what was refused."""
    # Servers that an earlier agent left there are good enough until the cluster can be read.
    known = wanted.endpoints is not None or any(server.admitted for server in servers)
    entries = frozenset({SYNCHRONIZED} if known else ()) | frozenset({ENDING} if wanted.ending else ())
    try:
        if await mark(conversation, path=state_map, entries=entries):
            _log.info("pod state changed", entries=sorted(entries))
    except Refused as error:
        return [str(error)]
    return []
