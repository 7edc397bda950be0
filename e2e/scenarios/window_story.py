"""A window opens: T4 replicas become Ready, only then are A10 replicas removed, and no request fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Film, Sight, Watched, filmed, sample

REPLICAS = 2
LOAD = ("--rate=3", "--arrivals=constant", "--tokens=32", "--duration=900")
"""100 tokens per second from each of two clients: together half of what two replicas compute."""

BEFORE_OPENING = timedelta(seconds=35)
OPEN_FOR = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
START_SECONDS = 30.0
REACTION_SECONDS = 100.0
HANDOVER_SECONDS = 150.0


def hand_over(service: Watched, *, clients: Clients, when_open: Callable[[], None]) -> None:
    """Run the story; call `when_open` once the window is open and T4 replicas are requested."""
    opens = next_minute(datetime.now(UTC) + BEFORE_OPENING)
    service.installation.apply(day_night(opens=opens), namespace=service.namespace)
    service.wait_for(lambda sight: sight.serving("a10") == REPLICAS, seconds=START_SECONDS, purpose="A10 replicas")
    service.wait_for_condition("Ready", "True", seconds=START_SECONDS)
    with (
        filmed(service) as film,
        clients.load("kept-connections", url=service.url, options=LOAD) as kept,
        clients.load("new-connections", url=service.url, options=(*LOAD, "--new-connections")) as new,
    ):
        service.wait_for(_asks_for_t4, seconds=REACTION_SECONDS, purpose="T4 replicas wanted in the window")
        when_open()
        service.wait_for(_is_handed_over, seconds=HANDOVER_SECONDS, purpose="the handover to T4")
        summaries = {load.name: load.stop() for load in (kept, new)}
    schedule = service.status()["schedule"]
    assert (schedule["source"], schedule["window"]) == ("EmbeddingService", "night")
    _stays_until_it_opens(film, opens=opens)
    _makes_before_it_breaks(film)
    for name, summary in summaries.items():
        assert summary["ok"] > 0, name
    assert [name for name, summary in summaries.items() if summary["failed"]] == [], summaries


def day_night(*, opens: datetime) -> dict[str, Any]:
    """Return the sample with its window opening at an instant, which must be a full minute."""
    document = sample("day-night")
    window = document["spec"]["schedule"]["windows"][0]
    window["start"], window["end"] = (f"{instant:%H:%M}" for instant in (opens, opens + OPEN_FOR))
    return document


def next_minute(instant: datetime) -> datetime:
    """Return the first full minute after an instant."""
    return instant.replace(second=0, microsecond=0) + MINUTE


def _asks_for_t4(sight: Sight) -> bool:
    return sight.replicas.get("t4", 0) >= REPLICAS


def _is_handed_over(sight: Sight) -> bool:
    return sight.serving("t4") == REPLICAS and all(pod.pool == "t4" for pod in sight.pods)


def _stays_until_it_opens(film: Film, *, opens: datetime) -> None:
    before = [sight for sight in film.sights if sight.at < opens]
    assert before
    assert all(sight.replicas["a10"] == REPLICAS and not sight.leaving("a10") for sight in before)


def _makes_before_it_breaks(film: Film) -> None:
    thin = [sight for sight in film.sights if sight.serving() < REPLICAS]
    assert not thin, thin[0]
    # Each A10 replica that leaves has been replaced by a T4 replica.
    early = [sight for sight in film.sights if sight.serving("t4") < sight.leaving("a10")]
    assert not early, early[0]
    assert any(sight.leaving("a10") for sight in film.sights)
