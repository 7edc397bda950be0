"""README.md's two commands on a machine that has Python and make: everything else they need is installed or named."""

import pytest

from tests.bare.machine import BareMachine

pytestmark = pytest.mark.bare

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
WHEELS = """
from testbed.cluster.cache import Cache
from testbed.cluster.progress import Progress
from testbed.cluster.wheelhouse import Wheelhouse

progress = Progress()
print(Wheelhouse(cache=Cache(progress=progress), progress=progress).of_operator())
"""
HELLO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("compiled") }\n'


def test_who_may_install_nothing_is_told_the_command(machine: BareMachine) -> None:
    finished = machine.run("make", "demo", user=NOBODY)
    assert finished.returncode != 0
    assert "apt-get install python3-venv" in finished.stdout


def test_the_prerequisites_of_both_commands_install_themselves(machine: BareMachine) -> None:
    said = machine.succeed("make", "programs")
    assert "installing uv" in said
    assert "installing Go" in said
    assert "missing" not in said
    for program in ("docker", "dockerd", "haproxy", "mmdebstrap", "prometheus", "gcc"):
        machine.succeed("sh", "-c", f"command -v {program}")
    assert machine.succeed("make", "programs").count("installing") == 0


def test_the_go_that_was_installed_compiles(machine: BareMachine) -> None:
    (machine.root / "root" / "hello.go").write_text(HELLO)
    assert machine.succeed("/root/.cache/embedding-operator/tools/bin/go", "run", "/root/hello.go") == "compiled\n"


def test_steps_find_uv_where_no_search_path_has_it(machine: BareMachine) -> None:
    assert machine.run("sh", "-c", "command -v uv").returncode != 0
    said = machine.succeed(".venv/bin/python", "-c", WHEELS)
    assert list((machine.cache / "operator-wheels").glob("*/embedding_operator-*.whl")), said
