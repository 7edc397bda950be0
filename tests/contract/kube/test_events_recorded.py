"""Events on a real API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.domain.status.events import EventType
from embedding_operator.kube.client import Body
from embedding_operator.kube.events import DropCause, EventRecorder, Occurrence, Regarding
from embedding_operator.kube.resources import EMBEDDING_SERVICE, EVENT
from embedding_operator.kube.store import ObjectStore

from tests.contract.kube.objects import Place
from tests.world.builders import NOON

pytestmark = pytest.mark.cluster

INSTANCE = "contract-tests"


@asynccontextmanager
async def recording(
    place: Place, *, clock: list[float], dropped: list[DropCause] | None = None
) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(
        place.client,
        instance=INSTANCE,
        now=lambda: NOON + timedelta(seconds=clock[0]),
        dropped=([] if dropped is None else dropped).append,
    )
    task = asyncio.create_task(recorder.run())
    yield recorder
    await asyncio.wait_for(recorder.drain(), timeout=30)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def occurrence(place: Place) -> Occurrence:
    service = await place.service(ObjectStore())
    regarding = Regarding(resource=EMBEDDING_SERVICE, namespace=place.namespace, name=service.name, uid=service.uid)
    return Occurrence(
        regarding=regarding, type=EventType.WARNING, reason="Stalled", action="Reconcile", note="GPUPool a10 is missing"
    )


async def events(place: Place) -> list[Body]:
    listing = await place.client.list_all(EVENT, namespace=place.namespace)
    return [item for item in listing.items if item["reportingInstance"] == INSTANCE]


async def test_what_repeats_is_one_event_with_a_count(place: Place) -> None:
    stalled, clock, dropped = await occurrence(place), [0.0], list[DropCause]()
    async with recording(place, clock=clock, dropped=dropped) as recorder:
        for seconds in (0.0, 10.0, 20.0, 80.0):
            clock[0] = seconds
            recorder.record(stalled)
    (event,) = await events(place)
    assert (event["type"], event["reason"], event["note"]) == ("Warning", "Stalled", "GPUPool a10 is missing")
    assert event["regarding"]["uid"] == stalled.regarding.uid
    assert event["series"]["count"] == 4
    assert event["series"]["lastObservedTime"] == "2026-06-03T12:01:20.000000Z"
    assert dropped == []


async def test_different_notes_are_different_events(place: Place) -> None:
    stalled, clock = await occurrence(place), [0.0]
    async with recording(place, clock=clock) as recorder:
        for pool in ("a10", "t4"):
            clock[0] += 1
            recorder.record(replace(stalled, note=f"GPUPool {pool} is missing"))
    assert {event["note"] for event in await events(place)} == {"GPUPool a10 is missing", "GPUPool t4 is missing"}


async def test_an_event_that_is_refused_is_dropped_and_the_next_one_recorded(place: Place) -> None:
    stalled, clock, dropped = await occurrence(place), [0.0], list[DropCause]()
    nowhere = replace(stalled, regarding=replace(stalled.regarding, namespace="no-such-namespace"))
    nameless = replace(stalled, reason="x" * 200)
    async with recording(place, clock=clock, dropped=dropped) as recorder:
        for each in (nowhere, nameless, stalled):
            clock[0] += 1
            recorder.record(each)
    assert dropped == [DropCause.REFUSED, DropCause.REFUSED]
    assert [event["reason"] for event in await events(place)] == ["Stalled"]
