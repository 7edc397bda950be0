import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.queue_story import grow_and_fall
from e2e.scenarios.watching import Watched
from e2e.scenarios.window_story import hand_over
from testbed.installation import Installation

pytestmark = pytest.mark.kind

MEETING_SECONDS = 240.0


def test_both_stories_end_alike_if_the_operator_is_killed_in_their_middle(
    installation: Installation,
    queue: Watched,
    queue_clients: Clients,
    day_night: Watched,
    day_night_clients: Clients,
) -> None:
    middle = threading.Barrier(2, action=installation.kill_operator, timeout=MEETING_SECONDS)

    def meet() -> None:
        middle.wait()

    def told(story: Future[None]) -> None:
        # Do not let one story wait for another that failed before its middle.
        if story.exception() is not None:
            middle.abort()

    with ThreadPoolExecutor(2) as stories:
        scaled = stories.submit(grow_and_fall, queue, clients=queue_clients, when_grown=meet)
        moved = stories.submit(hand_over, day_night, clients=day_night_clients, when_open=meet)
        for story in (scaled, moved):
            story.add_done_callback(told)
    failures = [error for story in (moved, scaled) if (error := story.exception()) is not None]
    if failures:
        raise BaseExceptionGroup("stories that did not end well", failures)
