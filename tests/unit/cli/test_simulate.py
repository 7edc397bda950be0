"""`simulate` from the command line, as far as it goes without the compiled simulator."""

import io
import json
import subprocess
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

import pytest
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.simulate import add_parser, simulated

from tests.unit.cli.services import A10, NIGHT, T4, service, text

NOON = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "service.yaml"
    path.write_text(text(service(pools=[A10, T4], schedule={"windows": [NIGHT]})), encoding="utf-8")
    return str(path)


def told(*arguments: str) -> str:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers(dest="command"))
    return simulated(parser.parse_args(["simulate", *arguments]), now=NOON)


def test_without_a_trace_the_next_seven_days_are_told(file: str) -> None:
    lines = told(file).splitlines()
    assert lines[0] == "queries: windows from Mon 2026-06-01 12:00 +00:00 to Mon 2026-06-08 12:00 +00:00, UTC"
    assert lines[-1] == '14 changes. Where the window is "-", spec.pools applies.'


def test_days_choose_a_part(file: str) -> None:
    assert (
        told(file, "--days", "1-2")
        .splitlines()[0]
        .endswith("Tue 2026-06-02 12:00 +00:00 to Wed 2026-06-03 12:00 +00:00, UTC")
    )


def test_machines_get_the_same(file: str) -> None:
    document = json.loads(told(file, "--days", "1", "--output", "json"))
    assert document["service"] == "queries"
    assert [each["window"] for each in document["stretches"]] == [None, "night", None]
    assert document["stretches"][1]["begin"] == "2026-06-01T22:00:00Z"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text(service())))
    assert told("-").startswith("queries: windows from ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--client", "7"], "--client: only valid with a trace: add --trace, or leave it out"),
        (["--seed", "1", "--scale", "2"], "--seed, --scale: only valid with a trace"),
        (["--days", "500"], "--days: 500 days are more than the maximum of 400: choose fewer"),
    ],
)
def test_what_does_not_go_together_is_said(file: str, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError) as raised:
        told(file, *arguments)
    assert str(raised.value).startswith(complaint)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match=r"^nowhere\.yaml cannot be read: No such file or directory$"):
        told("nowhere.yaml")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--days", "x"], "argument --days: 'x' is not a range of days such as 7-14, or 7"),
        (["--days", "8-7"], "argument --days: '8-7' is not a range of days such as 7-14"),
        (["--scale", "0"], "argument --scale: '0' is not a number above 0"),
        (["--seed", "many"], "argument --seed: invalid int value: 'many'"),
        (["--output", "xml"], "argument -o/--output: invalid choice: 'xml'"),
    ],
)
def test_wrong_values_of_options_are_wrong_usage(
    file: str, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        told(file, *arguments)
    assert complaint in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize("missing", ["numba", "numpy"])
def test_only_a_trace_needs_the_extra(file: str, missing: str) -> None:
    week = without(missing, file)
    assert (week.returncode, week.stderr) == (0, "")
    assert week.stdout.startswith("queries: windows from ")

    trial = without(missing, file, "--trace", "traces")
    fix = "pip install '.[simulation]' in a clone of the project"
    assert (trial.returncode, trial.stdout) == (1, "")
    assert trial.stderr == f"error: simulating a trace needs numba and numpy: {fix}\n"


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where `package` cannot be imported."""
    program = f"import sys; sys.modules[{package!r}] = None; from embedding_operator.cli.command import main; main()"
    command = [sys.executable, "-c", program, "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
