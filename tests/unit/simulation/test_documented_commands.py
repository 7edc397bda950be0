"""The commands in docs/scaling.md for simulating a service, run."""

import shlex
import sys
from pathlib import Path

import pytest
from embedding_operator.cli.command import PROGRAM, main

from testbed.cluster.paths import REPOSITORY
from testbed.readme import SCALING, commands

EXTRA = "pip install '.[simulation]'"
HOURS = 24 * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as a user has it: a few requests per second for eight days, by the hour."""
    windows = "".join(f"31,{3600 * hour},{1 + hour % 24 // 8},1,Gamma,1,1\n" for hour in range(HOURS))
    (tmp_path / "m_small_rates.csv").write_text(f"client,t_s,rate_rps,iat_cv,iat_dist,shape,scale\n{windows}")
    (tmp_path / "tokens_m_small_31.csv").write_text("window_t_s,input_tokens,prob\n0,400,1\n")
    return tmp_path


def test_every_documented_command_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    week, extra, trial = commands(first=f"{PROGRAM} simulate", document=SCALING)
    assert extra == EXTRA

    assert "  night " in typed(week, monkeypatch=monkeypatch, capsys=capsys)
    told = typed(trial.replace("--trace traces", f"--trace {folder}"), monkeypatch=monkeypatch, capsys=capsys)
    assert told.startswith("qwen3-embedding on m_small-31, days 7 to 8\n")


def typed(line: str, *, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    assert line.startswith(PROGRAM)
    monkeypatch.setattr(sys, "argv", ["kubectl-embsvc", *shlex.split(line.removeprefix(PROGRAM))])
    main()
    return capsys.readouterr().out
