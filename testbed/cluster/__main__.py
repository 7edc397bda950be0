"""Test clusters on the command line: `python -m testbed.cluster up kind`, `exec control-plane -- kubectl get nodes`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .api import environment_prefix
from .control_plane import ControlPlane
from .docker_engine import PrivateDocker, find_engine
from .errors import ClusterError
from .existing import ExistingCluster
from .healing import heal
from .images import Images
from .kind import KindCluster
from .node_image import NodeImage
from .progress import Progress
from .status import print_status
from .toolbox import Toolbox
from .tools import CORE, PEERS

CLUSTERS = ("control-plane", "kind")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    arguments = _parser().parse_args(argv)
    progress = Progress()
    commands: Mapping[str, Callable[[argparse.Namespace, Progress], None]] = {
        "up": _up,
        "down": _down,
        "status": _status,
        "exec": _exec,
        "build": _build,
        "load": _load,
        "gpu-nodes": _gpu_nodes,
        "heal": _heal,
    }
    try:
        commands[arguments.command](arguments, progress)
    except ClusterError as error:
        progress.note(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        progress.note("interrupted; to clean up, run: python -m testbed.cluster heal")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="create a cluster; a healthy one is kept")
    up.add_argument("cluster", choices=CLUSTERS)
    up.add_argument(
        "--mount", type=Path, action="append", default=[], help="host folder to mount read-only into the kind workers"
    )
    down = commands.add_parser("down", help="delete a cluster and everything it left")
    down.add_argument("cluster", choices=(*CLUSTERS, "all"))
    commands.add_parser("status", help="show which clusters are up and which programs are built")
    execute = commands.add_parser("exec", help="run a command against a cluster, or only with the built programs")
    execute.add_argument("cluster", choices=(*CLUSTERS, "existing", "tools"))
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    build = commands.add_parser("build", help="build programs and images without starting a cluster")
    build.add_argument("what", choices=("core", "peers", "node-image", "base-image", "operator-image", "all"))
    load = commands.add_parser("load", help="load an image into the kind cluster")
    load.add_argument("image")
    nodes = commands.add_parser("gpu-nodes", help="add GPU nodes to the control plane")
    nodes.add_argument("--product", required=True, help="for example NVIDIA-A10")
    nodes.add_argument("--count", type=int, default=1)
    nodes.add_argument("--gpus", type=int, default=8, help="GPUs per node")
    commands.add_parser("heal", help="clean up after killed runs")
    return parser


def _up(arguments: argparse.Namespace, progress: Progress) -> None:
    if arguments.cluster == "kind":
        KindCluster(extra_mounts=arguments.mount, progress=progress).up()
    elif arguments.mount:
        message = "--mount works only with kind: the control plane has no workers that could mount a folder"
        raise ClusterError(message)
    else:
        ControlPlane(progress=progress).up()


def _down(arguments: argparse.Namespace, progress: Progress) -> None:
    if arguments.cluster in {"control-plane", "all"}:
        ControlPlane(progress=progress).down()
    if arguments.cluster in {"kind", "all"}:
        KindCluster(progress=progress).down()
    if arguments.cluster == "all":
        PrivateDocker(progress=progress).stop()


def _status(_: argparse.Namespace, progress: Progress) -> None:
    print_status(progress=progress)


def _exec(arguments: argparse.Namespace, progress: Progress) -> None:
    command = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
    if not command:
        message = f"the command is missing: exec {arguments.cluster} -- COMMAND"
        raise ClusterError(message)
    argv = [*_prefix(arguments.cluster, progress), *command]
    os.execvp(argv[0], argv)  # noqa: S606 - the command is what the user asked to run


def _prefix(name: str, progress: Progress) -> list[str]:
    if name == "tools":
        return environment_prefix({"PATH": Toolbox(progress=progress).search_path(CORE)})
    existing = ExistingCluster.from_environment()
    if name == "existing" and existing is None:
        message = "EMBEDDING_OPERATOR_KUBECONFIG is not set: set it to the kubeconfig of the cluster"
        raise ClusterError(message)
    cluster = existing if name == "existing" else _own_cluster(name, progress)
    if cluster is None or not cluster.is_healthy():
        message = f"the {name} cluster is not up: python -m testbed.cluster up {name}"
        raise ClusterError(message)
    return cluster.exec_prefix()


def _own_cluster(name: str, progress: Progress) -> ControlPlane | KindCluster:
    return KindCluster(progress=progress) if name == "kind" else ControlPlane(progress=progress)


def _build(arguments: argparse.Namespace, progress: Progress) -> None:
    toolbox = Toolbox(progress=progress)
    everything = arguments.what == "all"
    if everything or arguments.what == "core":
        toolbox.ensure(CORE)
    if everything or arguments.what == "peers":
        toolbox.ensure(PEERS)
    if arguments.what in {"core", "peers"}:
        return
    engine = find_engine(progress=progress)
    if everything or arguments.what == "node-image":
        print(NodeImage(engine, toolbox=toolbox, progress=progress).ensure())
    images = Images(engine, progress=progress)
    if everything or arguments.what == "base-image":
        print(images.python_base())
    if everything or arguments.what == "operator-image":
        print(images.operator())


def _load(arguments: argparse.Namespace, progress: Progress) -> None:
    KindCluster(progress=progress).load_images(arguments.image)


def _gpu_nodes(arguments: argparse.Namespace, progress: Progress) -> None:
    cluster = ControlPlane(progress=progress)
    print("\n".join(cluster.add_gpu_nodes(product=arguments.product, count=arguments.count, gpus=arguments.gpus)))


def _heal(_: argparse.Namespace, progress: Progress) -> None:
    done = heal(progress=progress)
    for sentence in done or ["nothing to heal"]:
        print(sentence)


if __name__ == "__main__":
    sys.exit(main())
