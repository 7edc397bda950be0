import io
import threading
import time

import pytest
from rich.console import Console

from testbed.cluster.durations import Durations
from testbed.cluster.progress import Progress, Step, alive_line, closing_line, duration


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (45.4, "45 s"), (119, "119 s"), (245, "4 min 5 s")]
)
def test_durations_read_as_people_say_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_the_line_of_a_step_has_its_number_and_both_times() -> None:
    known, unknown = Step("building", 100.0, 60.0, "[ 3/14] "), Step("building", 100.0)
    assert closing_line(known, outcome="", now=145.0) == "[ 3/14] building: 45 s (usually 60 s)"
    assert closing_line(unknown, outcome="failed after ", now=145.0) == "building: failed after 45 s"


def test_a_sign_of_life_names_all_steps_under_way_and_owns_up_to_a_late_one() -> None:
    running = (Step("building", 100.0, 60.0), Step("fetching", 125.0), Step("packing", 100.0, 20.0))
    assert alive_line(running, now=130.0) == (
        "… building (30 s of about 60 s), fetching (5.0 s), packing (30 s, longer than the usual 20 s)"
    )


def test_without_a_terminal_a_step_has_one_line(progress: Progress, output: io.StringIO) -> None:
    with progress.step("building", usual_seconds=3, number="[1/2] "), progress.step("a part of it", usual_seconds=1):
        pass
    assert output.getvalue() == "[1/2] building: 0.0 s (usually 3.0 s)\n"


def test_a_long_silence_is_broken(output: io.StringIO) -> None:
    progress = Progress(console=Console(file=output, width=200), durations=Durations(None), heartbeat_seconds=0.02)
    with progress.step("building"):
        deadline = time.monotonic() + 5
        while "…" not in output.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    lines = output.getvalue().splitlines()
    assert lines[0].startswith("… building (")
    assert lines[-1].startswith("building: ")


def test_steps_of_several_threads_each_have_their_line(progress: Progress, output: io.StringIO) -> None:
    together = threading.Barrier(2)

    def work(title: str) -> None:
        with progress.step(title):
            together.wait(timeout=5)

    threads = [threading.Thread(target=work, args=(title,)) for title in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line.partition(":")[0] for line in output.getvalue().splitlines()) == ["one", "two"]


def test_a_failed_step_says_so_and_leaves_no_time_behind(progress: Progress, output: io.StringIO) -> None:
    with pytest.raises(RuntimeError), progress.step("building", usual_seconds=7):
        raise RuntimeError
    assert "building: failed after" in output.getvalue()
    assert progress.durations.usual("building", default=7) == 7


def test_the_next_run_expects_what_this_one_took(progress: Progress, output: io.StringIO) -> None:
    for _ in range(2):
        with progress.step("building", usual_seconds=7):
            pass
    first, second = output.getvalue().splitlines()
    assert first.endswith("(usually 7.0 s)")
    assert second.endswith("(usually 0.0 s)")


def test_brackets_in_a_line_are_not_taken_for_markup(progress: Progress, output: io.StringIO) -> None:
    progress.note("run [bold] now")
    assert output.getvalue() == "run [bold] now\n"
