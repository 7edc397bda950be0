import io
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from testbed.cluster.locks import exclusive
from testbed.cluster.progress import Progress

HOLDER = """
import io, sys, time
from pathlib import Path
from rich.console import Console
from testbed.cluster.locks import exclusive
from testbed.cluster.progress import Progress
with exclusive(Path(sys.argv[1]), purpose="holding", progress=Progress(console=Console(file=io.StringIO()))):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def _holder(lock: Path, *, seconds: float) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", HOLDER, str(lock), str(seconds)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_waits_for_its_holder_and_names_it(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    output = io.StringIO()
    progress = Progress(console=Console(file=output))
    with _holder(lock, seconds=0.5) as holder, exclusive(lock, purpose="testing", progress=progress):
        assert holder.wait(timeout=5) == 0
    assert f"waiting for process {holder.pid}, which holds the lock for testing" in " ".join(output.getvalue().split())


def test_a_killed_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    output = io.StringIO()
    with _holder(lock, seconds=600) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=5)
        with exclusive(lock, purpose="testing", progress=Progress(console=Console(file=output))):
            pass
    assert output.getvalue() == ""
