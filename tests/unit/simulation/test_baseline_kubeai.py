"""KubeAI's autoscaler against tables computed by hand from its rules."""

from embedding_operator.simulation.baselines import kubeai
from embedding_operator.simulation.baselines.kubeai import KubeAI

from tests.unit.simulation.views import A10, Service


def at_ticks(seen: list[int]) -> list[int]:
    return seen[::5]


def test_constants_are_those_of_kubeai() -> None:
    assert kubeai.INTERVAL_SECONDS == 10
    assert kubeai.WINDOW_SECONDS == 600
    assert kubeai.TARGET_REQUESTS == 100
    assert kubeai.SCALE_DOWN_DELAY_SECONDS == 30


def test_a_new_model_begins_with_ten_minutes_of_nothing() -> None:
    service = Service(KubeAI(pool=A10, target_requests=10), replicas=1)
    rising = at_ticks(service.run(600, in_flight=60))
    # Sixty samples: after k of them the mean is k, and ceil(k / 10) replicas are desired.
    assert [rising[k - 1] for k in (1, 10, 11, 20, 21, 60)] == [1, 1, 2, 2, 3, 6]


def test_three_smaller_answers_are_held_and_the_fourth_is_followed() -> None:
    service = Service(KubeAI(pool=A10, target_requests=10), replicas=6)
    assert at_ticks(service.run(40)) == [6, 6, 6, 1]


def test_an_answer_that_is_not_smaller_starts_the_count_anew() -> None:
    service = Service(KubeAI(pool=A10, target_requests=10), replicas=6)
    service.run(20)
    service.run(10, in_flight=6000)
    # The one sample of 6,000 alone keeps the mean at 100 for ten minutes: ten replicas.
    assert service.replicas == 10
    falling = at_ticks(service.run(640))
    assert falling.index(1) == 59 + 3


def test_between_ticks_only_the_first_request_at_zero_counts() -> None:
    service = Service(KubeAI(pool=A10), replicas=0, low=0)
    assert service.run(2) == [0]
    assert service.run(2, in_flight=1) == [1]
    assert service.run(6, in_flight=5000) == [1, 1, 1]


def test_goes_to_zero_when_ten_minutes_are_quiet() -> None:
    service = Service(KubeAI(pool=A10), replicas=1, low=0)
    service.run(10, in_flight=1)
    quiet = at_ticks(service.run(700))
    # The sample of 0 s leaves the mean at the tick of 600 s; three recommendations are held.
    assert 10 + 10 * quiet.index(0) == 630
