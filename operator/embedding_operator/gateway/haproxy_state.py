"""HAProxy's servers, read from its own answers."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

STATE_VERSION = "1"

_FORCED_MAINTENANCE = 0x01
_FORCED_DRAIN = 0x08
_CHECK_ENABLED = 0x04
_STOPPED = 0
_KINDS_OF_ANSWERS = ("1xx", "2xx", "3xx", "4xx", "5xx", "other")


class UnreadableAnswer(ValueError):  # noqa: N818 - named for the answer
    """HAProxy's answer does not have the format that this version of the agent reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of the backend.

    `in_use` counts its requests and those that wait for it alone. `max_connections` is 0 if there is no limit. It is
    `running` as far as HAProxy's own check knows. `answers` are its responses so far, `failures` those with status 5xx.
    """

    name: str
    address: str
    port: int
    in_maintenance: bool
    draining: bool
    checked: bool
    in_use: int
    max_connections: int
    running: bool = True
    answers: int = 0
    failures: int = 0

    @property
    def admitted(self) -> bool:
        """Return whether it gets new requests as long as it is healthy."""
        return not (self.in_maintenance or self.draining)


def read_servers(*, state: str, statistics: str) -> tuple[Server, ...]:
    """Return the servers that both `show servers state` and `show stat` list; raise `UnreadableAnswer` otherwise."""
    try:
        counted = {row["svname"]: row for row in _statistics(statistics)}
        return tuple(_server(row, counted[row["srv_name"]]) for row in _states(state) if row["srv_name"] in counted)
    except (KeyError, ValueError) as error:
        message = f"HAProxy describes its servers in an unexpected format: {error!r}"
        raise UnreadableAnswer(message) from error


def _states(answer: str) -> Iterator[dict[str, str]]:
    version, header, *rows = answer.strip().splitlines()
    if version != STATE_VERSION or not header.startswith("# "):
        message = f"not a state of version {STATE_VERSION}: {version[:80]!r}"
        raise UnreadableAnswer(message)
    names = header.removeprefix("# ").split()
    for row in rows:
        yield dict(zip(names, row.split(), strict=True))


def _statistics(answer: str) -> Iterator[dict[str, str]]:
    if not answer.startswith("# "):
        message = f"no statistics: {answer[:80]!r}"
        raise UnreadableAnswer(message)
    yield from csv.DictReader(answer.strip().removeprefix("# ").splitlines())


def _server(state: dict[str, str], counted: dict[str, str]) -> Server:
    admin = int(state["srv_admin_state"])
    return Server(
        name=state["srv_name"],
        address=state["srv_addr"],
        port=int(state["srv_port"]),
        in_maintenance=bool(admin & _FORCED_MAINTENANCE),
        draining=bool(admin & _FORCED_DRAIN),
        checked=bool(int(state["srv_check_state"]) & _CHECK_ENABLED),
        in_use=max(int(counted["scur"]), int(counted["used_conn_cur"] or 0)) + int(counted["qcur"]),
        max_connections=int(counted["slim"] or 0),
        running=int(state["srv_op_state"]) != _STOPPED,
        answers=sum(int(counted[f"hrsp_{kind}"] or 0) for kind in _KINDS_OF_ANSWERS),
        failures=int(counted["hrsp_5xx"] or 0),
    )
