import io
import time

import pytest
from rich.console import Console

from e2e.cluster.progress import Progress, Step, alive_line, duration, opening_line


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (45.4, "45 s"), (119, "119 s"), (245, "4 min 5 s")]
)
def test_durations_read_as_people_say_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_lines_of_a_step_say_how_long_it_usually_takes_if_known() -> None:
    known, unknown = Step("building", 100.0, 60.0), Step("building", 100.0, None)
    assert opening_line(known) == "building (usually 60 s)"
    assert opening_line(unknown) == "building"
    assert alive_line(known, now=130.0) == "… building: 30 s of usually 60 s"
    assert alive_line(unknown, now=130.0) == "… building: 30 s"


def test_a_step_tells_its_start_its_life_and_its_end() -> None:
    output = io.StringIO()
    progress = Progress(console=Console(file=output, width=200), heartbeat_seconds=0.02)
    with progress.step("building"):
        deadline = time.monotonic() + 5
        while "…" not in output.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    lines = output.getvalue().splitlines()
    assert lines[0] == "building"
    assert lines[1].startswith("… building: ")
    assert lines[-1].startswith("building: done after ")


def test_a_failed_step_says_so() -> None:
    output = io.StringIO()
    progress = Progress(console=Console(file=output, width=200))
    with pytest.raises(RuntimeError), progress.step("building"):
        raise RuntimeError
    assert "building: failed after" in output.getvalue()


def test_brackets_in_a_line_are_not_taken_for_markup() -> None:
    output = io.StringIO()
    Progress(console=Console(file=output, width=200)).note("run [bold] now")
    assert output.getvalue() == "run [bold] now\n"
