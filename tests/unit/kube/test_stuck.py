"""Which pods will not become Ready without intervention."""

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.kube.projection import trimmed
from embedding_operator.kube.stuck import Stuck, stuck
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.objects import Body, ago, condition, container, pod, waiting

STARTUP = 300.0


def judged(body: Body, *, startup: float = STARTUP) -> Stuck | None:
    return stuck(trimmed("Pod", body), now=NOON, startup_seconds=startup)


def starting(*containers: Body, created: float = 60) -> Body:
    return pod(created=ago(created), containers=list(containers))


def unschedulable(message: str = "0/3 nodes are available") -> Body:
    unfit = condition("PodScheduled", "False", since=ago(60), reason="Unschedulable", message=message)
    return pod(conditions=[unfit], containers=[], phase="Pending")


def reason_of(body: Body) -> Reason | None:
    found = judged(body)
    return None if found is None else found.reason


@pytest.mark.parametrize(
    "body",
    [
        pod(ready=ago(10)),
        pod(ready=ago(10), containers=[container(ready=True, restartCount=9)]),
        pod(ready=ago(10), created=ago(1_000_000)),
        starting(),
        starting(container(state=waiting("ContainerCreating"))),
        starting(container(state=waiting("PodInitializing"))),
        starting(container(state={"running": {"startedAt": "x"}}, restartCount=1)),
        pod(created=ago(10), conditions=[], containers=[], phase="Pending"),
        pod(created=ago(500), conditions=[condition("PodScheduled", "True", since=ago(500))]),
    ],
    ids=[
        "Ready",
        "Ready after crashes",
        "Ready for long",
        "fresh",
        "creating",
        "init",
        "one restart",
        "no status",
        "slow",
    ],
)
def test_pods_that_serve_or_are_on_their_way(body: Body) -> None:
    assert judged(body) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (unschedulable(), Reason.UNSCHEDULABLE),
        (starting(container(state=waiting("ErrImagePull"))), Reason.IMAGE_PULL_FAILED),
        (starting(container(state=waiting("ImagePullBackOff"))), Reason.IMAGE_PULL_FAILED),
        (starting(container(state=waiting("InvalidImageName"))), Reason.IMAGE_PULL_FAILED),
        (starting(container(state=waiting("CrashLoopBackOff"), restartCount=1)), Reason.CRASH_LOOP),
        (starting(container(state={"running": {}}, restartCount=2)), Reason.CRASH_LOOP),
        (starting(created=601), Reason.START_OVERDUE),
        (starting(container(state=waiting("CreateContainerConfigError")), created=601), Reason.START_OVERDUE),
    ],
)
def test_pods_that_are_stuck(body: Body, reason: Reason) -> None:
    assert reason_of(body) is reason


def test_an_init_container_that_gets_no_image_counts() -> None:
    body = starting(container(state=waiting("PodInitializing")))
    body["status"]["initContainerStatuses"] = [container(name="fetch", state=waiting("ErrImagePull", "not found"))]
    assert judged(body) == Stuck(reason=Reason.IMAGE_PULL_FAILED, message="fetch: ErrImagePull: not found")


def test_a_start_is_overdue_after_twice_its_usual_time() -> None:
    assert judged(starting(created=600)) is None
    found = judged(starting(created=601))
    assert found is not None
    assert found.message == "not Ready 601 s after its start; startup takes 300 s here"


def test_time_without_a_node_is_no_time_of_starting() -> None:
    conditions = [condition("PodScheduled", "True", since=ago(30)), condition("Ready", "False", since=ago(900))]
    assert judged(pod(created=ago(900), conditions=conditions)) is None


def test_a_replica_that_stopped_being_ready_has_the_time_of_a_start_to_come_back() -> None:
    scheduled = condition("PodScheduled", "True", since=ago(9000))
    assert judged(pod(created=ago(9000), conditions=[scheduled, condition("Ready", "False", since=ago(30))])) is None
    lost = pod(created=ago(9000), conditions=[scheduled, condition("Ready", "False", since=ago(700))])
    assert reason_of(lost) is Reason.START_OVERDUE


def test_messages_say_what_kubernetes_says() -> None:
    assert judged(unschedulable("0/3 nodes: 3 Insufficient nvidia.com/gpu")) == Stuck(
        reason=Reason.UNSCHEDULABLE, message="0/3 nodes: 3 Insufficient nvidia.com/gpu"
    )
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    assert judged(starting(container(state=waiting("CrashLoopBackOff"), lastState=ended, restartCount=4))) == Stuck(
        reason=Reason.CRASH_LOOP, message="engine: 4 restarts, last: OOMKilled, exit code 137"
    )
    config = starting(container(state=waiting("CreateContainerConfigError", 'secret "hf" not found')), created=700)
    found = judged(config)
    assert found is not None
    assert found.message.endswith('(engine: CreateContainerConfigError: secret "hf" not found)')


states = st.sampled_from(
    [{}, waiting("ContainerCreating"), waiting("ErrImagePull"), waiting("Odd"), {"running": {}}, {"terminated": {}}]
)
containers = st.lists(st.builds(container, state=states, lastState=states, restartCount=st.integers(0, 5)), max_size=3)
conditions = st.lists(
    st.builds(
        condition,
        st.sampled_from(["Ready", "PodScheduled", "Initialized"]),
        st.sampled_from(["True", "False", "Unknown"]),
    ),
    max_size=3,
)


@given(containers, conditions, st.floats(0, 1e6), st.floats(0, 1e4))
def test_no_pod_raises_and_a_ready_one_is_never_stuck(
    containers: list[Body], conditions: list[Body], age: float, startup: float
) -> None:
    body = pod(created=ago(age), containers=containers, conditions=conditions)
    found = judged(body, startup=startup)
    last = {each["type"]: each["status"] for each in conditions}
    assert found is None or last.get("Ready") != "True"
