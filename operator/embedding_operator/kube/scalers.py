"""Other autoscalers that target a managed Deployment: two that scale one Deployment undo each other's work."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from embedding_operator.kube.client import Client
from embedding_operator.kube.errors import Gone
from embedding_operator.kube.metadata import Body
from embedding_operator.kube.relist import list_each
from embedding_operator.kube.resources import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT
from embedding_operator.kube.store import ObjectStore

Scalers = Mapping[tuple[str, str], tuple[str, ...]]
"""Autoscalers (`kind name`) by namespace and EmbeddingService."""


async def conflicting_scalers(client: Client, store: ObjectStore, *, namespaces: Collection[str] = ()) -> Scalers:
    """Return the autoscalers in `namespaces`, or in all if there are none, that target a managed Deployment."""
    found: list[tuple[str, Body]] = []
    for resource in (HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT):
        try:
            listings = await list_each(client, resource, namespaces=namespaces)
        except Gone:
            continue
        found += [(resource.kind, body) for listing in listings for body in listing.items]
    return matched(found, store=store)


def matched(scalers: Iterable[tuple[str, Body]], *, store: ObjectStore) -> Scalers:
    """Return those of `scalers` (kind, object) whose target is a managed Deployment."""
    by_service: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, body in scalers:
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        service = store.service_of(DEPLOYMENT.kind, namespace, _deployment(body))
        if service is not None:
            by_service[namespace, service].append(f"{kind} {name}")
    return {key: tuple(sorted(names)) for key, names in by_service.items()}


def _deployment(scaler: Body) -> str:
    """Return the name of the Deployment that `scaler` targets, empty if it targets none."""
    match scaler:
        # KEDA assumes a Deployment where the target has no kind.
        case {"spec": {"scaleTargetRef": {"name": str(name), **rest}}}:
            return name if rest.get("kind", DEPLOYMENT.kind) == DEPLOYMENT.kind else ""
    return ""
