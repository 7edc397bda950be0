"""A progress whose lines a test can read, without recorded times of earlier runs."""

import io

import pytest
from rich.console import Console

from testbed.cluster.durations import Durations
from testbed.cluster.progress import Progress


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(output: io.StringIO) -> Progress:
    return Progress(console=Console(file=output, width=200), durations=Durations(None))
