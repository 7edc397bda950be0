"""Load arrives, the queue grows and replicas are added; load stops and they are removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from e2e.scenarios.clients import Clients, Load
from e2e.scenarios.watching import Film, Sight, Watched, filmed, sample

MINIMUM = 1
GROWN = 3
LOAD = ("--rate=15", "--tokens=32", "--duration=600", "--new-connections")
"""480 tokens per second: more than two replicas of 200 can compute; at a utilization of 80 %, the work of three."""

START_SECONDS = 60.0
GROW_SECONDS = 60.0
FALL_SECONDS = 150.0


def grow_and_fall(
    service: Watched,
    *,
    clients: Clients,
    when_grown: Callable[[], None],
    end_load: Callable[[Load], dict[str, object]] = Load.stop,
) -> None:
    """Run the story; call `when_grown` under load, and `end_load` to end the load."""
    service.installation.apply(sample("queue"), namespace=service.namespace)
    service.wait_for(lambda sight: sight.serving() == MINIMUM, seconds=START_SECONDS, purpose="the first replica")
    # Requests go through the gateway, whose pods may take longer to start than a fake engine.
    service.wait_for_condition("Ready", "True", seconds=START_SECONDS)
    with filmed(service) as film:
        with clients.load("load", url=service.url, options=LOAD) as load:
            service.wait_for(lambda sight: sight.wanted >= GROWN, seconds=GROW_SECONDS, purpose="more replicas wanted")
            when_grown()
            service.wait_for(lambda sight: sight.serving() >= GROWN, seconds=GROW_SECONDS, purpose="more replicas")
            ended_at = datetime.now(UTC)
            summary = end_load(load)
        service.wait_for(_has_fallen, seconds=FALL_SECONDS, purpose="replicas fall without load")
    assert summary["failed"] == 0, summary
    _never_below_minimum(film)
    _never_falls_under_load(film, until=ended_at)


def _has_fallen(sight: Sight) -> bool:
    return sight.wanted == MINIMUM and len(sight.pods) == MINIMUM


def _never_below_minimum(film: Film) -> None:
    below = [sight for sight in film.sights if sight.wanted < MINIMUM or sight.serving() < MINIMUM]
    assert film.sights
    assert not below, below[0]


def _never_falls_under_load(film: Film, *, until: datetime) -> None:
    wanted = [sight.wanted for sight in film.sights if sight.at < until]
    assert wanted == sorted(wanted)
