import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched
from e2e.scenarios.window_story import hand_over

pytestmark = pytest.mark.kind


def test_t4_replicas_are_ready_before_a10_replicas_go_and_no_request_fails(
    day_night: Watched, day_night_clients: Clients
) -> None:
    hand_over(day_night, clients=day_night_clients, when_open=lambda: None)
    schedule = day_night.status()["schedule"]
    assert (schedule["source"], schedule["window"]) == ("EmbeddingService", "night")
