"""A model of how commands change HAProxy's servers, as far as the agent relies on it; refuses what HAProxy refuses."""

from collections.abc import Iterable
from dataclasses import replace

from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway.plan import Command


def after(servers: Iterable[Server], commands: Iterable[Command]) -> tuple[Server, ...]:
    """Return the servers after `commands`; raise `AssertionError` for one that HAProxy would refuse."""
    by_name = {server.name: server for server in servers}
    for command in commands:
        words = command.text.split()
        name = words[3 if words[:2] == ["set", "maxconn"] else 2].removeprefix("engines/")
        match words[:2]:
            case ["add", "server"]:
                assert name not in by_name
                by_name[name] = _new(name, words)
            case ["del", "server"]:
                assert by_name[name].in_maintenance
                assert by_name[name].in_use == 0
                del by_name[name]
            case _:
                by_name[name] = _changed(by_name[name], words)
    return tuple(by_name.values())


def _new(name: str, words: list[str]) -> Server:
    host, _, port = words[3].rpartition(":")
    return Server(
        name=name,
        address=host.strip("[]"),
        port=int(port),
        in_maintenance=True,
        draining=False,
        checked=False,
        in_use=0,
        max_connections=int(words[words.index("maxconn") + 1]),
    )


def _changed(server: Server, words: list[str]) -> Server:
    match words:
        case ["enable", "health", _]:
            return replace(server, checked=True)
        case ["set", "server", _, "state", "ready"]:
            return replace(server, in_maintenance=False, draining=False)
        case ["set", "server", _, "state", "drain"]:
            return replace(server, in_maintenance=False, draining=True)
        case ["set", "server", _, "state", "maint"]:
            return replace(server, in_maintenance=True, draining=False)
        case ["set", "server", _, "addr", address, "port", port]:
            return replace(server, address=address, port=int(port))
        case ["set", "maxconn", "server", _, limit]:
            return replace(server, max_connections=int(limit))
        case _:
            raise AssertionError(words)
