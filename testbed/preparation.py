"""Installs and builds what `make demo` and `make test` need: `python -m testbed.preparation demo`.

Programs of the machine come first: what is missing is installed, or named with the command that installs it. Then comes
everything that is built once and kept in the cache. Only what the job uses is built; where public images can be
pulled, the demo does not build Kubernetes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from testbed.cluster import ClusterError, Images, KindCluster
from testbed.cluster.cache import Cache
from testbed.cluster.control_plane import TOOLS as CONTROL_PLANE_TOOLS
from testbed.cluster.debian_root import artefact_of as debian_artefact
from testbed.cluster.debian_root import debian_root
from testbed.cluster.docker_engine import DockerEngine, find_engine, running_engine
from testbed.cluster.gobuild import artefact_of, title_of
from testbed.cluster.images import PYTHON_IMAGE, PYTHON_PACKAGES, PYTHON_ROOT
from testbed.cluster.kind import CREATE_SECONDS
from testbed.cluster.kind import TOOLS as KIND_TOOLS
from testbed.cluster.node_image import PACKAGES, PUBLIC_IMAGE, ROOT, NodeImage, node_image_of
from testbed.cluster.node_image import TOOLS as NODE_TOOLS
from testbed.cluster.plan import Item, prepare
from testbed.cluster.prerequisites import Requirement, ensure, require_root
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import (
    CONTROL_PLANE,
    DEBIAN_ROOT,
    DOCKER_CLIENT,
    GATEWAY,
    GO,
    PAUSE_COMPILER,
    PRIVATE_DOCKER,
    PROMETHEUS,
    UV,
)
from testbed.cluster.toolbox import Toolbox
from testbed.cluster.tools import KIND, KUBECONFORM, KUBECTL, KUBERNETES, Tool
from testbed.cluster.wheelhouse import Wheelhouse
from testbed.engine.image import TOOLBOX
from testbed.engine.real.environment import ensure_environment, find_environment

JOBS = ("demo", "test")
ENGINE = "installing SGLang for the CPU"
NODE_ROOT = "making the root file system of cluster nodes"
PYTHON_IMAGE_ROOT = "making the root file system of images"
NODE_IMAGE = "assembling the node image"
OPERATOR_WHEELS = "collecting the operator's packages"
TOOLBOX_WHEELS = "collecting the packages of the test tools"
OPERATOR_IMAGE = "building the operator's image"
TOOLBOX_IMAGE = "building the image of the test tools"
KIND_CLUSTER = "creating a kind cluster with an A10 and a T4 node"


def requirements(job: str, *, engine: DockerEngine | None) -> tuple[Requirement, ...]:
    """Return the programs that a job needs on the machine; `engine` is the running Docker engine, if any."""
    private = () if engine else (*PRIVATE_DOCKER, *DEBIAN_ROOT, *PAUSE_COMPILER)
    tests = () if job == "demo" else (*CONTROL_PLANE, *GATEWAY, *PROMETHEUS)
    return (*DOCKER_CLIENT, *private, *tests, UV, GO)


def ensure_requirements(job: str, *, progress: Progress) -> None:
    """Install what the machine lacks for a job; raise a `PrerequisiteError` that names everything still missing."""
    engine = running_engine()
    if engine is None:
        require_root("this user can use no running Docker engine, and only root can start one")
    ensure(requirements(job, engine=engine), progress=progress)


def prepare_job(job: str, *, progress: Progress) -> None:
    """Install and build everything that a job needs and that does not exist yet."""
    ensure_requirements(job, progress=progress)
    plan = Plan(find_engine(progress=progress), progress=progress)
    prepare([*plan.for_tests(), *plan.for_kind()] if job == "test" else plan.for_kind(), progress=progress)


class Plan:
    """The things to build for the Docker engine at hand."""

    def __init__(self, engine: DockerEngine, *, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._cache = Cache(progress=progress)
        self._toolbox = Toolbox(progress=progress)
        self._images = Images(engine, progress=progress)
        self._wheels = Wheelhouse(cache=self._cache, progress=progress)

    def for_kind(self) -> list[Item]:
        """Return the items that the kind cluster and the operator on it are made from, longest first."""
        assembled = node_image_of(self._engine, progress=self._progress) != PUBLIC_IMAGE
        nodes = [*self._tools(NODE_TOOLS), self._debian(NODE_ROOT, ROOT, PACKAGES)] if assembled else []
        return [
            self._tool(KIND),
            self._engine_environment(),
            *nodes,
            *self._tools(KIND_TOOLS),
            *self._image_parts(),
            *([self._node_image()] if assembled else []),
            *self._operator_images(),
        ]

    def for_tests(self) -> list[Item]:
        """Return what the tests need in addition to the kind cluster."""
        return self._tools((KIND, *CONTROL_PLANE_TOOLS, KUBECONFORM))

    def cluster(self, cluster: KindCluster) -> Item:
        """Return the kind cluster itself, from what `for_kind` lists."""
        return Item(
            KIND_CLUSTER,
            seconds=CREATE_SECONDS,
            gigabytes=4.5,
            is_there=cluster.is_up,
            make=cluster.up,
            after=(ENGINE, NODE_IMAGE, *map(title_of, KIND_TOOLS)),
        )

    def _engine_environment(self) -> Item:
        return Item(
            ENGINE,
            seconds=60,
            gigabytes=4.2,
            is_there=lambda: find_environment(cache=self._cache) is not None,
            make=lambda: ensure_environment(progress=self._progress, cache=self._cache),
        )

    def _tools(self, tools: Sequence[Tool]) -> list[Item]:
        return [self._tool(tool) for tool in tools]

    def _tool(self, tool: Tool) -> Item:
        # Parallel Go builds do not share unfinished work: the smallest build compiles the standard library for all,
        # and Kubernetes most of kubectl.
        before = () if tool is KIND or tool.is_fetched else (KIND, KUBERNETES) if tool is KUBECTL else (KIND,)
        return Item(
            title_of(tool),
            seconds=tool.seconds,
            gigabytes=0.2 if tool.is_fetched else tool.gigabytes,
            is_there=lambda: self._cache.find(artefact_of(tool)) is not None,
            make=lambda: self._toolbox.folder(tool),
            after=tuple(title_of(each) for each in before),
        )

    def _debian(self, title: str, name: str, packages: Sequence[str]) -> Item:
        artefact = debian_artefact(name, packages=packages)
        return Item(
            title,
            seconds=40,
            gigabytes=0.2,
            is_there=lambda: self._cache.find(artefact) is not None,
            make=lambda: debian_root(name, packages=packages, cache=self._cache, progress=self._progress),
        )

    def _image_parts(self) -> list[Item]:
        return [
            *([self._debian(PYTHON_IMAGE_ROOT, PYTHON_ROOT, PYTHON_PACKAGES)] if self._engine.is_private else []),
            Item(
                OPERATOR_WHEELS,
                seconds=20,
                gigabytes=0.1,
                is_there=lambda: self._wheels.find_of_operator() is not None,
                make=self._wheels.of_operator,
            ),
            Item(
                TOOLBOX_WHEELS,
                seconds=10,
                gigabytes=0.1,
                is_there=lambda: self._wheels.find_of_requirements(TOOLBOX.requirements) is not None,
                make=lambda: self._wheels.of_requirements(TOOLBOX.requirements),
                after=(OPERATOR_WHEELS,),
            ),
        ]

    def _node_image(self) -> Item:
        node_image = NodeImage(self._engine, toolbox=self._toolbox, progress=self._progress)
        return Item(
            NODE_IMAGE,
            seconds=20,
            gigabytes=2.5,
            is_there=node_image.is_there,
            make=node_image.ensure,
            after=(NODE_ROOT, *map(title_of, NODE_TOOLS)),
        )

    def _operator_images(self) -> list[Item]:
        images = self._images
        return [
            Item(
                PYTHON_IMAGE,
                seconds=10,
                gigabytes=0.3,
                is_there=images.has_python_base,
                make=images.python_base,
                after=(PYTHON_IMAGE_ROOT,),
            ),
            Item(
                OPERATOR_IMAGE,
                seconds=30,
                gigabytes=0.2,
                is_there=images.has_operator,
                make=images.operator,
                after=(OPERATOR_WHEELS, PYTHON_IMAGE),
            ),
            Item(
                TOOLBOX_IMAGE,
                seconds=20,
                gigabytes=0.2,
                is_there=lambda: images.has_toolbox(TOOLBOX),
                make=lambda: images.toolbox(TOOLBOX),
                after=(TOOLBOX_WHEELS, OPERATOR_IMAGE),
            ),
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare a job; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.preparation", description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--programs-only", action="store_true", help="install the machine's programs; build nothing")
    arguments = parser.parse_args(argv)
    progress = Progress()
    try:
        if arguments.programs_only:
            ensure_requirements(arguments.job, progress=progress)
        else:
            prepare_job(arguments.job, progress=progress)
    except ClusterError as error:
        progress.note(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
