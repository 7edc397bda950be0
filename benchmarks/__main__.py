"""`python -m benchmarks [NAME …]`: measure, and write benchmarks/results/*.json and the tables made from them."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Mapping

from benchmarks import decision, gateway, tables
from testbed.cluster import ClusterError, ControlPlane
from testbed.cluster.paths import REPOSITORY
from testbed.cluster.progress import Progress
from testbed.cluster.toolbox import Toolbox
from testbed.cluster.tools import PEERS
from testbed.installation import cluster_for_engines


def main() -> int:
    """Run the named benchmarks, or all; return the exit status of the process."""
    progress = Progress()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(BENCHMARKS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{known}, or just tables; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = set(names) - {*BENCHMARKS, TABLES}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; choose from {known}")
    try:
        for name in [name for name in BENCHMARKS if name in names]:
            with progress.step(f"benchmark {name}"):
                BENCHMARKS[name](progress)
    except (ClusterError, subprocess.CalledProcessError) as error:
        progress.note(f"error: {error}")
        return 1
    for path in tables.update():
        print(path)
    return 0


def _decision(_: Progress) -> None:
    decision.main()


def _reaction(progress: Progress) -> None:
    Toolbox(progress=progress).ensure(PEERS)
    _on_a_control_plane("benchmarks.live.reaction", progress=progress)


def _footprint(progress: Progress) -> None:
    _on_a_control_plane("benchmarks.footprint", progress=progress)


def _agreement(progress: Progress) -> None:
    _on_a_control_plane("benchmarks.agreement", progress=progress)


def _burst(progress: Progress) -> None:
    _on_kind("benchmarks.live.burst", progress=progress)


def _wake(progress: Progress) -> None:
    _on_kind("benchmarks.live.wake", progress=progress)


def _endurance(progress: Progress) -> None:
    _on_kind("benchmarks.endurance", progress=progress)


def _gateway(progress: Progress) -> None:
    gateway.main(progress)


def _on_kind(module: str, *, progress: Progress) -> None:
    cluster, _ = cluster_for_engines(progress=progress)
    try:
        subprocess.run([*cluster.exec_prefix(), sys.executable, "-m", module], cwd=REPOSITORY, check=True)
    finally:
        cluster.down()


def _on_a_control_plane(module: str, *, progress: Progress) -> None:
    """Run a module in a control plane created for it: one that was used before would respond more slowly."""
    cluster = ControlPlane(progress=progress)
    cluster.down()
    try:
        cluster.up()
        subprocess.run([*cluster.exec_prefix(), sys.executable, "-m", module], cwd=REPOSITORY, check=True)
    finally:
        cluster.down()


TABLES = "tables"
BENCHMARKS: Mapping[str, Callable[[Progress], None]] = {
    "decision": _decision,
    "reaction": _reaction,
    "footprint": _footprint,
    "agreement": _agreement,
    "burst": _burst,
    "wake": _wake,
    "endurance": _endurance,
    "gateway": _gateway,
}

if __name__ == "__main__":
    sys.exit(main())
