"""When a status is written."""

from typing import Any

import pytest
from embedding_operator.kube.status import needs_write
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.objects import Body, ago, changed, stamp

WRITTEN: Body = {
    "replicas": 2,
    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": stamp(ago(900))}],
    "pools": [{"gpuPool": "a10", "desired": 2}],
    "schedule": {"window": "night"},
    "decision": {"at": stamp(ago(20)), "queueRequests": 3, "required": 900.0, "memory": {"at": stamp(ago(20))}},
}


def worth(*path: str, to: Any, age: float = 20) -> bool:
    old = changed(WRITTEN, "decision", "at", to=stamp(ago(age)))
    return needs_write(old, changed(old, *path, to=to), now=NOON)


def test_an_equal_status_is_not() -> None:
    assert not needs_write(WRITTEN, dict(WRITTEN), now=NOON)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("replicas",), 3),
        (("conditions",), []),
        (("pools",), [{"gpuPool": "a10", "desired": 3}]),
        (("schedule", "window"), "day"),
        (("url",), "http://qwen.search"),
    ],
)
def test_a_condition_a_count_and_the_window_are_at_once(path: tuple[str, ...], value: Any) -> None:
    assert worth(*path, to=value)


@pytest.mark.parametrize(("age", "due"), [(0, False), (20, False), (59, False), (60, True), (900, True), (-5, True)])
def test_changed_numbers_alone_are_once_a_minute(age: float, due: bool) -> None:  # noqa: FBT001 - a column of the table
    assert worth("decision", "queueRequests", to=4, age=age) is due


@pytest.mark.parametrize("age", [0, 60, 9000])
@pytest.mark.parametrize(("path", "value"), [("at", stamp(NOON)), ("memory", {"at": stamp(NOON)})])
def test_its_time_stamp_and_its_memory_alone_never_are(path: str, value: Any, age: float) -> None:
    new = changed(changed(WRITTEN, "decision", "at", to=stamp(ago(age))), "decision", path, to=value)
    assert not needs_write(changed(WRITTEN, "decision", "at", to=stamp(ago(age))), new, now=NOON)


@pytest.mark.parametrize("old", [{}, {"decision": None}, {"decision": {}}])
def test_the_first_status_is(old: Body) -> None:
    assert needs_write(old, WRITTEN, now=NOON)
    assert needs_write(old, {"decision": {"at": stamp(NOON), "required": 1.0}}, now=NOON)


def test_a_number_is_the_same_however_json_writes_it() -> None:
    assert not worth("decision", "queueRequests", to=3.0, age=9000)


figures = st.fixed_dictionaries({"at": st.just(stamp(ago(30))), "required": st.integers(0, 3)})
statuses = st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 2), "decision": figures})


@given(statuses, statuses)
def test_a_status_that_was_written_is_not_written_again(old: Body, new: Body) -> None:
    assert not needs_write(new, new, now=NOON)
    if needs_write(old, new, now=NOON):
        assert old != new
