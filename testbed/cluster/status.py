"""Two tables: which clusters are up, and which programs are built."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column, Table

from .api import Cluster
from .control_plane import ControlPlane
from .docker_engine import PrivateDocker
from .existing import ExistingCluster
from .gobuild import artefact_of
from .kind import KindCluster
from .progress import Progress
from .toolbox import Toolbox
from .tools import CORE, PEERS


def print_status(*, progress: Progress) -> None:
    """Print the clusters and the pinned tools to standard output."""
    console = Console()
    console.print(_clusters(progress))
    console.print(_tools(progress))


def _clusters(progress: Progress) -> Table:
    table = Table("cluster", "state", "nodes", Column("kubeconfig", overflow="fold"), title="Clusters")
    for cluster in (ControlPlane(progress=progress), KindCluster(progress=progress)):
        state = _state_of(cluster)
        table.add_row(cluster.name, state, _nodes_of(cluster, state), str(cluster.kubeconfig) if state == "up" else "")
    existing = ExistingCluster.from_environment()
    if existing is not None:
        state = "up" if existing.is_healthy() else "does not respond"
        table.add_row(existing.name, state, _nodes_of(existing, state), str(existing.kubeconfig))
    private = PrivateDocker(progress=progress)
    docker = "up" if private.is_running() else "broken: heal" if private.has_leftovers() else "down"
    table.add_row("private Docker", docker, "", "")
    return table


def _tools(progress: Progress) -> Table:
    toolbox = Toolbox(progress=progress)
    table = Table("tool", "version", "built", title="Programs")
    for tool in (*CORE, *PEERS):
        built = "yes" if toolbox.cache.find(artefact_of(tool)) else "no"
        table.add_row(tool.name, tool.version, built)
    return table


def _state_of(cluster: ControlPlane | KindCluster) -> str:
    if cluster.is_busy():
        return "starting or stopping"
    if not cluster.has_leftovers():
        return "down"
    return "up" if cluster.is_healthy() else "broken: heal"


def _nodes_of(cluster: Cluster, state: str) -> str:
    if state != "up":
        return ""
    return str(len(cluster.kubectl("get", "nodes", "-o", "name").split()))
