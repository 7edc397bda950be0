"""Full lists from a real API server, page by page, and what they repair."""

import asyncio

import pytest
from embedding_operator.kube.client import Body
from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.kube.relist import SOURCES, Source, relist, relist_all
from embedding_operator.kube.resources import HORIZONTAL_POD_AUTOSCALER, NAMESPACE, SERVICE
from embedding_operator.kube.scalers import conflicting_scalers
from embedding_operator.kube.store import Change, ObjectKey, ObjectStore
from embedding_operator.kube.writer import ChildWriter

from tests.contract.kube.objects import Place, deployment, front

pytestmark = pytest.mark.cluster

MANAGED = Source(resource=SERVICE, selector=MANAGED_SELECTOR)


async def test_pages_add_up_to_the_whole(place: Place) -> None:
    labels = {"pages": place.namespace}
    for number in range(7):
        body: Body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"page-{number}", "namespace": place.namespace, "labels": labels},
            "spec": {"ports": [{"port": 80}]},
        }
        await place.client.create(SERVICE, body)
    place.requests.clear()
    listing = await place.client.list_all(SERVICE, selector=f"pages={place.namespace}", page_size=3)
    assert sorted(item["metadata"]["name"] for item in listing.items) == [f"page-{each}" for each in range(7)]
    assert len(place.requests) == 3
    assert int(listing.resource_version) >= max(int(each["metadata"]["resourceVersion"]) for each in listing.items)


async def test_a_list_holds_the_managed_and_repairs_missed_deletions(place: Place, store: ObjectStore) -> None:
    writer = ChildWriter(place.client, store=ObjectStore())
    for name in ("qwen", "bge"):
        owner = await place.service(store, name=name)
        await writer.apply(front(owner), owner=owner)
    unmanaged = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
    metadata = {"name": "unmanaged", "namespace": place.namespace}
    await place.client.create(SERVICE, {**unmanaged, "metadata": metadata})

    def change(name: str) -> Change:
        return Change(ObjectKey("Service", place.namespace, name), name)

    own = {"namespaces": {place.namespace}}
    assert await relist(place.client, store, MANAGED, **own) == {change("qwen"), change("bge")}
    assert await relist(place.client, store, MANAGED, **own) == frozenset()
    await place.delete(SERVICE, "bge")
    assert await relist(place.client, store, MANAGED, **own) == {change("bge")}
    assert [body["metadata"]["name"] for body in store.all(SERVICE.kind)] == ["qwen"]


async def test_everything_that_is_watched_can_be_listed(place: Place, store: ObjectStore) -> None:
    place.requests.clear()
    changes = await relist_all(place.client, store)
    listed = {each.resource for each in place.requests if each.verb == "list"}
    assert listed == {source.resource.qualified for source in SOURCES}
    assert Change(ObjectKey(NAMESPACE.kind, "", place.namespace), None) in changes


async def test_an_own_write_is_known_before_any_watch(place: Place, store: ObjectStore) -> None:
    owner = await place.service(store)
    await ChildWriter(place.client, store=store).apply(front(owner), owner=owner)
    live = await place.live(SERVICE, owner.name)
    assert not store.upsert(SERVICE.kind, live)


async def test_another_autoscaler_of_a_managed_deployment_is_found(place: Place, store: ObjectStore) -> None:
    owner = await place.service(store)
    await ChildWriter(place.client, store=store).apply(deployment(owner), owner=owner)
    for name, target in (("rival", "qwen-a10"), ("harmless", "other")):
        await place.client.create(
            HORIZONTAL_POD_AUTOSCALER,
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": name, "namespace": place.namespace},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
                    "maxReplicas": 3,
                },
            },
        )
    assert await conflicting_scalers(place.client, store) == {
        (place.namespace, "qwen"): ("HorizontalPodAutoscaler rival",)
    }


async def test_lists_and_writes_at_the_same_time_end_in_the_newest_state(place: Place, store: ObjectStore) -> None:
    owner = await place.service(store)
    writer = ChildWriter(place.client, store=store)

    async def write() -> None:
        for replicas in range(10):
            await writer.apply(front(owner, port=8000 + replicas), owner=owner)

    async def read() -> None:
        for _ in range(10):
            await relist(place.client, store, MANAGED, namespaces={place.namespace})

    await asyncio.gather(write(), read(), read())
    live = await place.live(SERVICE, owner.name)
    kept = store.get(SERVICE.kind, place.namespace, owner.name)
    assert kept is not None
    assert kept["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    assert live["spec"]["ports"][0]["port"] == 8009
