"""Statuses on a real API server: written once, and not again without a change, whatever the schema does to them."""

from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.api.v1alpha1.status import (
    DecisionMemory,
    DecisionStatus,
    DecisionStep,
    EmbeddingServiceStatus,
    ModelStatus,
    PoolStatus,
    RequirementBucket,
    ScheduleStatus,
)
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.metadata import Body
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.status import STATUS_MANAGER, StatusWriter
from embedding_operator.kube.store import ObjectStore

from tests.contract.kube.objects import Place
from tests.world.builders import NOON

pytestmark = pytest.mark.cluster

WRITE = "patch embeddingservices.embedding-operator.io/status 200"


def condition(kind: str, *, reason: str = "Serving") -> Condition:
    return Condition(type=kind, status=ConditionStatus.TRUE, last_transition_time=NOON, reason=reason)


FULL = EmbeddingServiceStatus(
    observed_generation=1,
    replicas=2,
    ready_replicas=1,
    ready_summary="1/2",
    url="http://qwen.search.svc",
    model=ModelStatus(revision="main", dtype=Dtype.FLOAT16, architecture=Architecture.DECODER, dimensions=[256]),
    pools=[PoolStatus(gpu_pool="a10", desired=2, ready=1, starting=1, tokens_per_second=45_000)],
    schedule=ScheduleStatus(source="EmbeddingService", window="night", since=NOON, next_transition=NOON),
    decision=DecisionStatus(
        at=NOON,
        queue_requests=2.5,
        queue_tokens=0.0,
        arrival_tokens_per_second=1234.5,
        required=0.1 + 0.2,
        steps=[DecisionStep(reason="RateDemand", before=0.0, after=1e6, message="much arrives")],
        memory=DecisionMemory(
            at=NOON,
            required=900.0,
            buckets=[RequirementBucket(at=NOON, until=NOON, highest=1.0, lowest=0.5, peak=1.0)],
        ),
    ),
    conditions=[condition("Ready"), condition("Reconciling", reason="Settled")],
)


def document(status: EmbeddingServiceStatus = FULL) -> Body:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.fixture
async def service(place: Place, store: ObjectStore) -> ServiceObject:
    created = await place.service(store)
    place.requests.clear()
    return created


async def written(
    place: Place, store: ObjectStore, status: Body, *, writer: StatusWriter | None = None, later: float = 0.0
) -> bool:
    writer = writer or StatusWriter(place.client, store=store)
    return await writer.write(
        EMBEDDING_SERVICE,
        namespace=place.namespace,
        name="qwen",
        status=status,
        now=NOON + timedelta(seconds=later),
    )


@pytest.mark.usefixtures("service")
async def test_a_status_is_written_once_and_stays_the_same(place: Place, store: ObjectStore) -> None:
    assert await written(place, store, document())
    assert (await place.live(EMBEDDING_SERVICE, "qwen"))["status"] == document()
    assert not await written(place, store, document(), later=3600)
    assert place.writes() == [WRITE]


@pytest.mark.usefixtures("service")
async def test_an_empty_status_is_quiet_too(place: Place, store: ObjectStore) -> None:
    status = document(EmbeddingServiceStatus())
    writer = StatusWriter(place.client, store=store)
    await written(place, store, status, writer=writer)
    place.writes()
    assert not await written(place, store, status, writer=writer, later=3600)
    assert place.writes() == []


async def test_the_spec_is_never_touched(place: Place, store: ObjectStore, service: ServiceObject) -> None:
    await written(place, store, document())
    live = await place.live(EMBEDDING_SERVICE, "qwen")
    assert (live["spec"], live["metadata"]["generation"]) == (service.spec, service.generation)
    mine = [each for each in live["metadata"]["managedFields"] if each["manager"] == STATUS_MANAGER]
    assert [each["subresource"] for each in mine] == ["status"]
    assert all(set(each["fieldsV1"]) <= {"f:status"} for each in mine)


@pytest.mark.usefixtures("service")
async def test_conditions_and_fields_that_are_not_said_any_more_go(place: Place, store: ObjectStore) -> None:
    await written(place, store, document())
    less = FULL.model_copy(update={"conditions": [condition("Ready")], "url": None, "decision": None})
    assert await written(place, store, document(less), later=60)
    live = (await place.live(EMBEDDING_SERVICE, "qwen"))["status"]
    assert [each["type"] for each in live["conditions"]] == ["Ready"]
    assert not {"url", "decision"} & live.keys()


@pytest.mark.usefixtures("service")
async def test_a_status_edited_by_another_client_is_corrected(place: Place, store: ObjectStore) -> None:
    writer = StatusWriter(place.client, store=store)
    await written(place, store, document(), writer=writer)
    foreign = {
        "apiVersion": EMBEDDING_SERVICE.api_version,
        "kind": EMBEDDING_SERVICE.kind,
        "metadata": {"name": "qwen", "namespace": place.namespace},
        "status": {"replicas": 77},
    }
    body = await place.client.apply(EMBEDDING_SERVICE, foreign, force=True, manager="somebody", subresource="status")
    store.upsert(EMBEDDING_SERVICE.kind, body)
    assert await written(place, store, document(), writer=writer)
    assert (await place.live(EMBEDDING_SERVICE, "qwen"))["status"]["replicas"] == 2


@pytest.mark.usefixtures("service")
async def test_defaults_that_the_server_adds_are_not_written_for_ever(place: Place, store: ObjectStore) -> None:
    writer = StatusWriter(place.client, store=store)
    less = {"replicas": 2}
    assert await written(place, store, less, writer=writer)
    assert (await place.live(EMBEDDING_SERVICE, "qwen"))["status"] != less
    assert not await written(place, store, less, writer=writer, later=3600)
    assert await written(place, store, {"replicas": 3}, writer=writer, later=3600)


@pytest.mark.usefixtures("service")
async def test_a_field_that_the_server_does_not_know_is_named(place: Place, store: ObjectStore) -> None:
    """This happens to an operator that is newer than the CustomResourceDefinitions."""
    with pytest.raises(Unavailable, match="aFieldOfANewerVersion"):
        await written(place, store, {**document(), "aFieldOfANewerVersion": {"a": 1}})


@pytest.mark.usefixtures("service")
async def test_a_status_about_an_earlier_version_of_the_object_is_refused(place: Place, store: ObjectStore) -> None:
    await place.edit(EMBEDDING_SERVICE, "qwen", {"metadata": {"labels": {"team": "search"}}})
    with pytest.raises(Conflict):
        await written(place, store, document())
    # The refusal made the store read the object again, whether or not a watch reports it.
    assert await written(place, store, document())


async def test_a_recreated_service_does_not_get_the_status_of_the_old_one(
    place: Place, store: ObjectStore, service: ServiceObject
) -> None:
    await place.delete(EMBEDDING_SERVICE, "qwen")
    await place.service(ObjectStore())
    assert store.get(EMBEDDING_SERVICE.kind, place.namespace, "qwen") is not None
    with pytest.raises(Conflict):
        await written(place, store, document())
    live = await place.live(EMBEDDING_SERVICE, "qwen")
    assert live["metadata"]["uid"] != service.uid
    assert "status" not in live


@pytest.mark.usefixtures("service")
async def test_a_service_that_is_gone_gets_none(place: Place, store: ObjectStore) -> None:
    await place.delete(EMBEDDING_SERVICE, "qwen")
    with pytest.raises((Conflict, Gone)):
        await written(place, store, document())
    assert store.get(EMBEDDING_SERVICE.kind, place.namespace, "qwen") is None
    assert not await written(place, store, document())
