"""Children on a real API server: applied when they differ, never adopted, deleted only in the state that was seen."""

from contextlib import suppress

import pytest
from embedding_operator.kube.client import Body
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.metadata import DELETION_COST, VICTIM_COST
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.resources import DEPLOYMENT, EMBEDDING_SERVICE, POD, SERVICE, Resource
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.writer import Applied, ChildWriter, WriteOutcome
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.names import FIELD_MANAGER, pool_labels

from tests.contract.kube.objects import Place, deployment, front

pytestmark = pytest.mark.cluster

CREATED, PATCHED = "patch deployments.apps 201", "patch deployments.apps 200"
OUTDATED = "patch deployments.apps 409"


@pytest.fixture
async def owner(place: Place, store: ObjectStore) -> ServiceObject:
    service = await place.service(store)
    place.requests.clear()
    return service


@pytest.fixture
def writer(place: Place, store: ObjectStore) -> ChildWriter:
    return ChildWriter(place.client, store=store)


def key_of(manifest: Manifest) -> ObjectKey:
    return ObjectKey(manifest.kind, manifest.namespace, manifest.name)


async def watched(place: Place, store: ObjectStore, resource: Resource, name: str) -> None:
    """Put an object into the store, as a watch would."""
    store.upsert(resource.kind, await place.live(resource, name))


async def test_a_missing_child_is_created_and_then_left_alone(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = deployment(owner)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.CREATED
    assert place.writes() == [CREATED]
    live = await place.live(DEPLOYMENT, manifest.name)
    assert live["metadata"]["ownerReferences"][0]["uid"] == owner.uid
    assert {each["manager"] for each in live["metadata"]["managedFields"] if each["operation"] == "Apply"} == {
        FIELD_MANAGER
    }
    await watched(place, store, DEPLOYMENT, manifest.name)
    place.requests.clear()
    for _ in range(3):
        assert await writer.apply(manifest, owner=owner) == Applied(
            key=key_of(manifest), outcome=WriteOutcome.UNCHANGED
        )
    assert place.requests == []


async def test_what_is_rendered_anew_is_applied_once_and_seen_at_once(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    await writer.apply(deployment(owner), owner=owner)
    place.writes()
    for _ in range(2):
        await writer.apply(deployment(owner, replicas=3), owner=owner)
    # Its controller writes the status of a new Deployment at any moment: the write is then sent again.
    assert [each for each in place.writes() if each != OUTDATED] == [PATCHED]
    kept = store.get(DEPLOYMENT.kind, owner.namespace, "qwen-a10")
    assert kept is not None
    assert kept["spec"]["replicas"] == 3


async def test_what_is_not_rendered_any_more_goes(place: Place, owner: ServiceObject, writer: ChildWriter) -> None:
    await writer.apply(deployment(owner, labels={"team": "search"}), owner=owner)
    await writer.apply(deployment(owner), owner=owner)
    live = await place.live(DEPLOYMENT, "qwen-a10")
    assert "team" not in live["metadata"]["labels"]


async def test_an_edit_by_another_client_is_undone(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = deployment(owner, replicas=1)
    await writer.apply(manifest, owner=owner)
    await place.edit(DEPLOYMENT, manifest.name, {"spec": {"replicas": 9}})
    await watched(place, store, DEPLOYMENT, manifest.name)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.APPLIED
    assert (await place.live(DEPLOYMENT, manifest.name))["spec"]["replicas"] == 1


async def test_a_lost_owner_is_not_taken_back_by_force(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = deployment(owner)
    await writer.apply(manifest, owner=owner)
    await place.edit(DEPLOYMENT, manifest.name, {"metadata": {"ownerReferences": None}})
    await watched(place, store, DEPLOYMENT, manifest.name)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.NAME_CONFLICT


async def test_what_others_add_is_theirs_and_starts_no_fight(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = deployment(owner)
    await writer.apply(manifest, owner=owner)
    await place.edit(DEPLOYMENT, manifest.name, {"metadata": {"annotations": {"note": "mine"}}})
    await watched(place, store, DEPLOYMENT, manifest.name)
    place.writes()
    for _ in range(5):
        await writer.apply(manifest, owner=owner)
        await watched(place, store, DEPLOYMENT, manifest.name)
    assert [each for each in place.writes() if each != OUTDATED] == [PATCHED]
    assert (await place.live(DEPLOYMENT, manifest.name))["metadata"]["annotations"]["note"] == "mine"


async def test_status_is_no_drift(place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter) -> None:
    manifest = deployment(owner)
    await writer.apply(manifest, owner=owner)
    body: Body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": manifest.name, "namespace": owner.namespace},
        "status": {"replicas": 4},
    }
    await place.client.apply(DEPLOYMENT, body, force=True, manager="somebody", subresource="status")
    await watched(place, store, DEPLOYMENT, manifest.name)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.UNCHANGED


async def test_a_restarted_operator_applies_once_and_changes_nothing(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    before = await place.live(SERVICE, manifest.name)
    place.writes()
    restarted = ChildWriter(place.client, store=store)
    for _ in range(2):
        await restarted.apply(manifest, owner=owner)
    assert place.writes() == ["patch services 200"]
    assert (await place.live(SERVICE, manifest.name))["metadata"]["resourceVersion"] == (
        before["metadata"]["resourceVersion"]
    )


async def test_a_deleted_child_is_created_again(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    await place.delete(SERVICE, manifest.name)
    # The watch is silent: what was seen no longer exists.
    with pytest.raises((Conflict, Gone)):
        await writer.apply(front(owner, port=81), owner=owner)
    assert store.get(*key_of(manifest)) is None
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.CREATED


async def test_a_child_that_was_replaced_behind_our_back_is_not_overwritten(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    await place.delete(SERVICE, manifest.name)
    foreign = {**manifest.body, "metadata": {"name": manifest.name, "namespace": owner.namespace}}
    await place.client.create(SERVICE, foreign)
    with pytest.raises(Conflict):
        await writer.apply(front(owner, port=81), owner=owner)
    live = await place.live(SERVICE, manifest.name)
    assert (live["spec"]["ports"][0]["port"], live["metadata"].get("ownerReferences")) == (80, None)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.NAME_CONFLICT
    await place.delete(SERVICE, manifest.name)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.CREATED


@pytest.mark.parametrize("holder", [None, "ConfigMap"])
async def test_a_name_that_is_taken_is_told_and_left_alone(
    place: Place, owner: ServiceObject, writer: ChildWriter, holder: str | None
) -> None:
    manifest = front(owner)
    reference = {"apiVersion": "v1", "kind": holder, "name": "other", "uid": owner.uid[::-1], "controller": True}
    metadata = {
        "name": manifest.name,
        "namespace": owner.namespace,
        "ownerReferences": [reference] if holder else [],
        "finalizers": ["example.com/keep"],
    }
    before = await place.client.create(SERVICE, {**manifest.body, "metadata": metadata})
    applied = await writer.apply(manifest, owner=owner)
    assert applied.outcome is WriteOutcome.NAME_CONFLICT
    assert ("ConfigMap other" if holder else "no known owner") in applied.message
    assert "rename" in applied.message
    assert (await place.live(SERVICE, manifest.name))["spec"] == before["spec"]
    await place.edit(SERVICE, manifest.name, {"metadata": {"finalizers": None}})


async def test_a_child_of_an_earlier_service_of_this_name_is_waited_for(
    place: Place, store: ObjectStore, owner: ServiceObject
) -> None:
    manifest = front(owner)
    await ChildWriter(place.client, store=store).apply(manifest, owner=owner)
    await place.edit(SERVICE, manifest.name, {"metadata": {"finalizers": ["example.com/slow"]}})
    await watched(place, store, SERVICE, manifest.name)
    await place.delete(EMBEDDING_SERVICE, owner.name)
    successor = await place.service(store)
    with pytest.raises(Conflict, match="earlier"):
        await ChildWriter(place.client, store=store).apply(front(successor), owner=successor)
    await place.edit(SERVICE, manifest.name, {"metadata": {"finalizers": None}})


async def test_a_child_that_is_being_deleted_is_waited_for(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    await place.edit(SERVICE, manifest.name, {"metadata": {"finalizers": ["example.com/slow"]}})
    await place.delete(SERVICE, manifest.name)
    await watched(place, store, SERVICE, manifest.name)
    with pytest.raises(Conflict, match="being deleted"):
        await writer.apply(manifest, owner=owner)
    await place.edit(SERVICE, manifest.name, {"metadata": {"finalizers": None}})
    with pytest.raises(Conflict, match="being deleted"):
        await writer.apply(manifest, owner=owner)
    assert (await writer.apply(manifest, owner=owner)).outcome is WriteOutcome.CREATED


async def test_a_child_that_another_client_creates_at_the_same_moment_is_not_overwritten(
    place: Place, owner: ServiceObject
) -> None:
    manifest = front(owner)
    metadata = {"name": manifest.name, "namespace": owner.namespace}
    spec = {**manifest.body["spec"], "selector": {"app": "theirs"}}
    await place.client.create(SERVICE, {**manifest.body, "metadata": metadata, "spec": spec})
    with pytest.raises(Conflict):
        await place.client.apply(SERVICE, manifest.body, force=False)
    assert (await place.live(SERVICE, manifest.name))["spec"]["selector"] == {"app": "theirs"}


async def test_what_the_server_refuses_names_the_field(owner: ServiceObject, writer: ChildWriter) -> None:
    manifest = deployment(owner, labels={"bad label": "x"})
    with pytest.raises(Unavailable, match="labels") as caught:
        await writer.apply(manifest, owner=owner)
    assert (caught.value.status, caught.value.reason) == (422, "InvalidSpec")


async def test_without_the_lease_nothing_is_written(place: Place, store: ObjectStore, owner: ServiceObject) -> None:
    writer = ChildWriter(place.client.behind(lambda: 0.0), store=store)
    with pytest.raises(Unavailable, match="Lease"):
        await writer.apply(front(owner), owner=owner)
    with pytest.raises(Gone):
        await place.live(SERVICE, owner.name)


async def test_prune_deletes_what_is_not_kept_and_nothing_else(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    kept, surplus, foreign = (front(owner, name=name) for name in ("kept", "surplus", "foreign"))
    for manifest in (kept, surplus, foreign):
        await writer.apply(manifest, owner=owner)
    await place.edit(SERVICE, foreign.name, {"metadata": {"ownerReferences": None}})
    await watched(place, store, SERVICE, foreign.name)
    assert await writer.prune(owner, keep={key_of(kept)}) == (key_of(surplus),)
    with pytest.raises(Gone):
        await place.live(SERVICE, surplus.name)
    for manifest in (kept, foreign):
        assert "deletionTimestamp" not in (await place.live(SERVICE, manifest.name))["metadata"]
    assert await writer.prune(owner, keep={key_of(kept)}) == ()


async def test_a_pruned_deployment_goes_in_the_background(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = deployment(owner)
    await writer.apply(manifest, owner=owner)
    for _ in range(20):
        await watched(place, store, DEPLOYMENT, manifest.name)
        try:
            await writer.prune(owner, keep=())
            break
        except Conflict:
            # Its controller writes the first status now.
            continue
    with pytest.raises(Gone):
        await place.live(DEPLOYMENT, manifest.name)


async def test_prune_refuses_what_changed_since_it_was_seen(
    place: Place, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    await place.edit(SERVICE, manifest.name, {"metadata": {"labels": {"changed": "yes"}}})
    with pytest.raises(Conflict):
        await writer.prune(owner, keep=())
    await place.live(SERVICE, manifest.name)
    # The refusal showed that the store was stale: now the object is deleted in its current state.
    assert await writer.prune(owner, keep=()) == (key_of(manifest),)


async def test_prune_takes_what_is_gone_for_gone(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    manifest = front(owner)
    await writer.apply(manifest, owner=owner)
    await place.delete(SERVICE, manifest.name)
    await writer.prune(owner, keep=())
    assert store.get(SERVICE.kind, owner.namespace, manifest.name) is None


async def pods(place: Place, store: ObjectStore, owner: ServiceObject, **annotations: str | None) -> None:
    for name, cost in annotations.items():
        labels = pool_labels(owner.name, pool="a10")
        metadata = {"name": name, "namespace": owner.namespace, "labels": labels}
        body = await place.client.create(
            POD,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**metadata, "annotations": {DELETION_COST: cost} if cost else {}},
                "spec": {
                    "containers": [{"name": "engine", "image": "example.invalid/sglang"}],
                    "nodeSelector": {"nowhere": "true"},
                },
            },
        )
        store.upsert(POD.kind, body)
    place.requests.clear()


async def costs(place: Place, *names: str) -> dict[str, str | None]:
    lives = [(await place.live(POD, name))["metadata"] for name in names]
    return {each["name"]: (each.get("annotations") or {}).get(DELETION_COST) for each in lives}


async def test_victims_are_marked_and_the_mark_is_taken_back(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    await pods(place, store, owner, a=None, b=None, c="7")
    await writer.mark_victims(owner, names={"a"})
    assert await costs(place, "a", "b", "c") == {"a": VICTIM_COST, "b": None, "c": "7"}
    await writer.mark_victims(owner, names={"b"})
    assert await costs(place, "a", "b", "c") == {"a": None, "b": VICTIM_COST, "c": "7"}
    place.requests.clear()
    await writer.mark_victims(owner, names={"b"})
    assert place.requests == []


async def end(place: Place, owner: ServiceObject, *, name: str) -> None:
    """Delete a pod that other clients may be changing."""
    while True:
        metadata = (await place.live(POD, name))["metadata"]
        version = metadata["resourceVersion"]
        with suppress(Conflict):
            await place.client.delete(
                POD, namespace=owner.namespace, name=name, uid=metadata["uid"], resource_version=version
            )
            return


async def test_a_victim_that_is_gone_already_is_no_trouble(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    await pods(place, store, owner, a=None, b=None)
    await end(place, owner, name="a")
    await writer.mark_victims(owner, names={"a", "b"})
    assert await costs(place, "b") == {"b": VICTIM_COST}
    assert store.get(POD.kind, owner.namespace, "a") is None


async def test_what_a_former_leader_sent_before_the_new_one_wrote_arrives_too_late(
    place: Place, owner: ServiceObject
) -> None:
    """Both have read the same object; the former leader's write is held up until the new one has written."""
    former, leader = ObjectStore(), ObjectStore()
    writers = [ChildWriter(place.client, store=each) for each in (former, leader)]
    await writers[0].apply(deployment(owner), owner=owner)
    for store in (former, leader):
        await watched(place, store, DEPLOYMENT, "qwen-a10")
    await writers[1].apply(deployment(owner, replicas=5), owner=owner)
    with pytest.raises(Conflict):
        await writers[0].apply(deployment(owner, replicas=1), owner=owner)
    assert (await place.live(DEPLOYMENT, "qwen-a10"))["spec"]["replicas"] == 5


async def test_a_deleted_service_gets_its_address_again(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter
) -> None:
    await writer.apply(front(owner), owner=owner)
    address = writer.address(owner)
    assert address is not None
    await place.delete(SERVICE, owner.name)
    store.remove(SERVICE.kind, owner.namespace, owner.name)
    assert writer.address(owner) is None
    assert (await writer.apply(front(owner), owner=owner, address=address)).outcome is WriteOutcome.CREATED
    assert writer.address(owner) == address
    assert (await writer.apply(front(owner, port=81), owner=owner, address=address)).outcome is WriteOutcome.APPLIED
    assert (await place.live(SERVICE, owner.name))["spec"]["clusterIP"] == address


@pytest.mark.parametrize("refused", ["taken", "192.0.2.1"])
async def test_an_address_that_is_not_to_be_had_is_replaced(
    place: Place, store: ObjectStore, owner: ServiceObject, writer: ChildWriter, refused: str
) -> None:
    if refused == "taken":
        await writer.apply(front(owner, name="other"), owner=owner)
        refused = (await place.live(SERVICE, "other"))["spec"]["clusterIP"]
    assert (await writer.apply(front(owner), owner=owner, address=refused)).outcome is WriteOutcome.CREATED
    assert writer.address(owner) not in {None, refused}
