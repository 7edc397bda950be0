import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.cluster.errors import ClusterError
from testbed.cluster.processes import ProcessStat, Supervisor, identify, own_lineage, parse_stat, session_of, terminate


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "processes", logs=tmp_path / "logs")
    yield supervisor
    for name in supervisor.names():
        supervisor.stop(name, grace_seconds=0)


def _pid(supervisor: Supervisor, name: str, *, folder: Path) -> int:
    record = (folder / "processes" / f"{name}.json").read_text()
    return int(record.partition('"pid": ')[2].partition(",")[0])


def test_the_name_in_a_stat_line_may_hold_spaces_and_parentheses() -> None:
    line = "42 (a (very) odd name) S 7 42 40 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 98765 1000 10"
    assert parse_stat(line) == ProcessStat(state="S", parent=7, session=40, start_ticks=98765)


def test_a_started_process_is_found_by_a_later_supervisor_and_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("sleeper", ["sleep", "600"])
    later = Supervisor(tmp_path / "processes", logs=tmp_path / "logs")
    assert later.is_running("sleeper")
    later.stop("sleeper")
    assert not supervisor.is_running("sleeper")
    assert supervisor.names() == []


def test_starting_a_running_process_again_changes_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("sleeper", ["sleep", "600"])
    before = _pid(supervisor, "sleeper", folder=tmp_path)
    supervisor.start("sleeper", ["sleep", "600"])
    assert _pid(supervisor, "sleeper", folder=tmp_path) == before


def test_a_stranger_with_the_same_number_is_never_signalled(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("stranger", ["sleep", "600"])
    stranger = identify(_pid(supervisor, "stranger", folder=tmp_path))
    assert stranger is not None
    ours_before_it_died = replace(stranger, start_ticks=stranger.start_ticks - 1)
    terminate([ours_before_it_died], grace_seconds=0)
    assert session_of(ours_before_it_died) == []
    assert identify(stranger.pid) == stranger


def test_a_process_of_an_earlier_boot_is_not_taken_for_a_running_one(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("sleeper", ["sleep", "600"])
    record = tmp_path / "processes" / "sleeper.json"
    alive = identify(_pid(supervisor, "sleeper", folder=tmp_path))
    original = record.read_text()
    record.write_text(original.replace('"boot_id": "', '"boot_id": "0'))
    assert not supervisor.is_running("sleeper")
    record.write_text(original)
    assert alive is not None


def test_children_in_the_session_end_with_their_leader(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("parent", ["sh", "-c", "sleep 600 & echo $!; wait"])
    log = supervisor.log_file("parent")
    deadline = time.monotonic() + 5
    while not log.read_text().strip() and time.monotonic() < deadline:
        time.sleep(0.01)
    child = int(log.read_text())
    supervisor.stop("parent")
    assert identify(child) is None


def test_a_process_that_ignores_the_request_to_end_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("stubborn", ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.05; done"])
    deadline = time.monotonic() + 5
    while supervisor.log_tail("stubborn") != "ready" and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = _pid(supervisor, "stubborn", folder=tmp_path)
    supervisor.stop("stubborn", grace_seconds=0.2)
    assert identify(pid) is None


def test_a_damaged_record_means_not_running(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "odd.json").write_text('{"pid": 1')
    assert not supervisor.is_running("odd")
    supervisor.stop("odd")
    assert supervisor.names() == []


def test_a_missing_program_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ClusterError, match="no-such-program is not installed"):
        supervisor.start("odd", ["no-such-program"])


def test_the_lineage_holds_this_process_and_its_parent() -> None:
    assert {os.getpid(), os.getppid()} <= own_lineage()
