"""Fetches a service from the API server."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.explain import UNKNOWN_LEADER, Leader, Subject, instant
from embedding_operator.cli.saved_status import subject_of
from embedding_operator.kube.client import Client, connect
from embedding_operator.kube.contexts import Context, UnknownContextError, chosen_context
from embedding_operator.kube.errors import Gone, Unavailable
from embedding_operator.kube.lease import read_term
from embedding_operator.kube.metadata import utc_now
from embedding_operator.kube.resources import EMBEDDING_SERVICE, LEASE
from embedding_operator.rendering.names import FIELD_MANAGER, PART_OF

TIMEOUT_SECONDS = 10.0
SKEW = timedelta(seconds=60)
"""How far the clock of this machine may differ from that of the operator."""

FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to look: a kubeconfig, a context in it (None for the current one), a namespace (None for the context's)."""

    kubeconfig: Path
    context: str | None = None
    namespace: str | None = None


async def fetch_subject(name: str, *, place: Place, version: str) -> Subject:
    """Return the service called `name`; raise `CommandError` if it cannot be fetched."""
    context = _context(place)
    namespace = place.namespace or context.namespace
    try:
        client = await connect(
            kubeconfig=context.kubeconfig,
            context=context.name,
            user_agent=f"kubectl-embsvc/{version}",
            timeout_seconds=TIMEOUT_SECONDS,
        )
        async with client:
            subject = subject_of(await _service(client, name=name, namespace=namespace))
            return replace(subject, leader=await _leader(client, now=utc_now()))
    except Unavailable as error:
        message = f"{error.message}; {_advice(error, context=context, place=place)}"
        raise CommandError(message) from error


async def _leader(client: Client, *, now: datetime) -> Leader:
    """Return what the Leases of operators say; nothing where this user may not read them."""
    try:
        listing = await client.list_all(LEASE, selector=f"{PART_OF}={FIELD_MANAGER}")
    except (Gone, Unavailable):
        return UNKNOWN_LEADER
    last = max((read_term(body) for body in listing.items), key=lambda term: term.renewed_at, default=None)
    # An operator that runs alone may do without a Lease.
    if last is None or (last.holder and now - last.renewed_at <= last.duration + SKEW):
        return UNKNOWN_LEADER
    held = "is free" if not last.holder else f"of {last.holder} has expired"
    return Leader(problem=f"Lease {last.name} {held}, it was renewed at {instant(last.renewed_at)}")


def _advice(error: Unavailable, *, context: Context, place: Place) -> str:
    if error.status == FORBIDDEN:
        return "ask an admin for the role view, which includes EmbeddingServices if the chart aggregates its roles"
    return f"check that context {context.name} of {place.kubeconfig} is the right one and that its cluster is running"


async def _service(client: Client, *, name: str, namespace: str) -> dict[str, object]:
    try:
        return await client.get(EMBEDDING_SERVICE, name=name, namespace=namespace)
    except Gone as error:
        if f'"{name}" not found' not in str(error):
            message = "the cluster has no EmbeddingService CRD: install the operator, or use another --context"
            raise CommandError(message) from error
        elsewhere = await _namespaces_with(client, name=name)
        advice = f"there is one in {', '.join(elsewhere)}: use -n" if elsewhere else "kubectl get embsvc -A lists all"
        message = f"no EmbeddingService {name} in namespace {namespace}: {advice}"
        raise CommandError(message) from error


async def _namespaces_with(client: Client, *, name: str) -> list[str]:
    """Return the namespaces that have a service of that name; none if the user may not list them."""
    try:
        listing = await client.list_all(EMBEDDING_SERVICE)
    except (Gone, Unavailable):
        return []
    return sorted(each["metadata"]["namespace"] for each in listing.items if each["metadata"]["name"] == name)


def _context(place: Place) -> Context:
    try:
        return chosen_context(place.kubeconfig, name=place.context)
    except UnknownContextError as error:
        raise CommandError(str(error)) from error
