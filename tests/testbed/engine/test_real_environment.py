import venv
from pathlib import Path

import pytest

from testbed.engine.real.environment import REQUIREMENTS, EngineEnvironment, engine_artefact


def test_every_package_is_pinned_and_the_gpu_kernels_are_left_out() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]

    assert all("==" in line for line in lines)
    assert "sglang==0.5.23" in lines
    assert not any(line.startswith("sglang-kernel") for line in lines)


def test_the_last_option_wins_on_the_command_line() -> None:
    argv = EngineEnvironment(Path("/venv")).argv(host="127.0.0.1", port=1, options=("--port", "2"))

    assert argv[:3] == ["/venv/bin/python", "-m", "sglang.launch_server"]
    assert argv[-2:] == ["--port", "2"]


def test_one_environment_serves_every_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for name in ("one", "two"):
        checkout = tmp_path / name
        venv.create(checkout / ".venv", symlinks=True)
        monkeypatch.setenv("VIRTUAL_ENV", str(checkout / ".venv"))
        monkeypatch.setenv("PATH", str(checkout / ".venv" / "bin"), prepend=":")
        keys.append(engine_artefact().key)

    assert keys[0] == keys[1]
