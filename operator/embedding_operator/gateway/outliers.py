"""Engines that answer with errors while others do not: they get no requests for a while.

An engine that fails at once is always the least busy one, so it gets most of the requests and fails them. HAProxy can
take a server out for its answers, but knows no floor: one client whose requests make every engine fail would take all
of them out. So an engine is compared with the others, and at least half of them keep serving.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase
from embedding_operator.gateway.haproxy_state import Server

WINDOW_ANSWERS = 10
"""An engine is judged by this many answers at least, counted from the last judgement."""
LEAST_FAILURES = 5
"""Failures of an outlier before its window is full."""
FIRST_SECONDS, LONGEST_SECONDS = 30.0, 300.0
"""How long an outlier gets no requests: twice as long each time until it has answered well once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of one engine: its counters when its window began, and how often it was taken out in a row.

    `out_until` is None for an engine that gets requests. One `on_trial` gets one request at a time.
    """

    answers: int
    failures: int
    times_out: int = 0
    out_until: float | None = None
    on_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """The engines by name."""

    records: Mapping[str, Record] = field(default_factory=dict)

    @property
    def out(self) -> frozenset[str]:
        """The engines that get no requests."""
        return frozenset(name for name, record in self.records.items() if record.out_until is not None)

    def applied(self, endpoints: Collection[Endpoint]) -> tuple[Endpoint, ...]:
        """Return the endpoints as HAProxy shall treat them: outliers like pods that are not ready."""
        return tuple(self._applied(endpoint) for endpoint in endpoints)

    def _applied(self, endpoint: Endpoint) -> Endpoint:
        record = self.records.get(endpoint.name)
        if record is None or endpoint.phase is not EndpointPhase.READY:
            return endpoint
        if record.out_until is not None:
            return replace(endpoint, phase=EndpointPhase.UNREADY)
        return replace(endpoint, max_connections=1) if record.on_trial else endpoint


def judged(outliers: Outliers, servers: Collection[Server], *, now: float) -> Outliers:
    """Return the outliers after a look at HAProxy's servers; `now` is in seconds of any clock that only advances."""
    counted = {server.name: server for server in servers}
    records = {name: _returned(_known(outliers, server), server, now=now) for name, server in counted.items()}
    serving = {name for name, server in counted.items() if _can_serve(server, records[name])}
    out = {name for name, record in records.items() if record.out_until is not None}
    at_least = (len(serving) + len(out & {name for name in out if counted[name].running}) + 1) // 2
    for name in sorted(out, key=lambda each: records[each].out_until or 0.0):
        if len(serving) < at_least and counted[name].running:
            serving.add(name)
            records[name] = _fresh(counted[name])
    for name in sorted(serving, key=lambda each: (-_failing_share(records[each], counted[each]), each)):
        others = serving - {name}
        if len(others) >= max(1, at_least) and _stands_out(name, others=others, records=records, counted=counted):
            serving = others
            records[name] = _taken_out(records[name], counted[name], now=now)
    return Outliers(records={name: _closed(records[name], counted[name]) for name in counted})


def _known(outliers: Outliers, server: Server) -> Record:
    record = outliers.records.get(server.name)
    if record is None:
        return _fresh(server)
    # Counters begin again with another HAProxy.
    return Record(answers=0, failures=0) if server.answers < record.answers else record


def _fresh(server: Server) -> Record:
    return Record(answers=server.answers, failures=server.failures)


def _returned(record: Record, server: Server, *, now: float) -> Record:
    """Return the record of an engine whose time is up with a new window, on trial."""
    if record.out_until is None or now < record.out_until:
        return record
    return replace(_fresh(server), times_out=record.times_out, on_trial=True)


def _can_serve(server: Server, record: Record) -> bool:
    return server.running and record.out_until is None and (server.admitted or record.on_trial)


def _failing_share(record: Record, server: Server) -> float:
    answers = server.answers - record.answers
    return (server.failures - record.failures) / answers if answers else 0.0


def _is_failing(record: Record, server: Server) -> bool:
    return server.failures - record.failures >= LEAST_FAILURES and _failing_share(record, server) >= 1 / 2


def _stands_out(
    name: str, *, others: Collection[str], records: Mapping[str, Record], counted: Mapping[str, Server]
) -> bool:
    """Return whether an engine fails at least half of its requests, and at least twice as many as the others."""
    if not _is_failing(records[name], counted[name]):
        return False
    answers = sum(counted[other].answers - records[other].answers for other in others)
    failures = sum(counted[other].failures - records[other].failures for other in others)
    return 2 * failures <= answers * _failing_share(records[name], counted[name])


def _taken_out(record: Record, server: Server, *, now: float) -> Record:
    seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(record.times_out, 8))
    return replace(_fresh(server), times_out=record.times_out + 1, out_until=now + seconds)


def _closed(record: Record, server: Server) -> Record:
    """Return the record with a new window if the last one is full; good answers end a trial."""
    if record.out_until is not None or server.answers - record.answers < WINDOW_ANSWERS:
        return record
    return replace(_fresh(server), times_out=record.times_out) if _is_failing(record, server) else _fresh(server)
