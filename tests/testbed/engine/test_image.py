"""The packages of the test image as laid out there: next to each other, and run by the operator's command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.engine.image import TOOLBOX
from testbed.engine.process import LOOPBACK, EngineProcess, free_port


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for folder in TOOLBOX.source_folders:
        shutil.copytree(folder, tmp_path / "sources" / folder.name)
    return tmp_path / "sources"


def test_sglangs_command_runs_the_fake_engine_and_sigterm_ends_it(sources: Path, tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-P", "-m", "sglang.launch_server", "--model-path", "m", "--is-embedding"]
    variables = {"PYTHONPATH": str(sources), "FAKE_ENGINE_DRAIN_POLL_SECONDS": "0.05"}
    arguments = ["--host", LOOPBACK, "--port", str(port), "--dtype", "bfloat16"]

    with EngineProcess([*argv, *arguments], port=port, log=tmp_path / "log", variables=variables) as engine:
        engine.wait_until_ready(timeout_seconds=30)
        engine.terminate()

        assert engine.wait(timeout_seconds=30) == 0


def test_the_load_client_runs_beside_it(sources: Path) -> None:
    argv = [sys.executable, "-P", "-m", "load", "--help"]
    finished = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(sources)}, check=False, capture_output=True)

    assert (finished.returncode, finished.stderr) == (0, b"")


def test_requirements_are_pinned() -> None:
    assert TOOLBOX.requirements
    assert all("==" in requirement for requirement in TOOLBOX.requirements)
