"""The Docker engine that kind's nodes run in: the one that is running already, or a private one.

The private engine keeps its images in the cache, listens on its own socket and leaves the machine's packet filter
alone, so it never interferes with another Docker. Its containers can reach only each other.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .commands import CommandError, Surroundings, run, run_logged, succeeds
from .docker_leftovers import end_processes, unmount_below
from .locks import exclusive
from .paths import ASSETS, cache_root, run_root
from .prerequisites import ensure, require_root
from .processes import Supervisor
from .programs import find_program
from .progress import Progress
from .requirements import DOCKER_CLIENT, PRIVATE_DOCKER
from .waiting import wait_until

CAP_SYS_RESOURCE = 24
START_SECONDS = 40.0
STOP_SECONDS = 30.0
PULL_TIMEOUT_SECONDS = 600.0
BUILD_TIMEOUT_SECONDS = 1200.0
WRAPPER = "runc-wrap"


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """A running Docker engine; `host` is its address, None for the docker command's default."""

    host: str | None

    @property
    def is_private(self) -> bool:
        """Whether this is the private engine."""
        return self.host is not None

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables with which docker and kind use this engine."""
        return {} if self.host is None else {"DOCKER_HOST": self.host}

    def run(self, *arguments: str, timeout_seconds: float = 120) -> str:
        """Return the standard output of a docker command; raise `CommandError`."""
        within = Surroundings(variables=self.variables, timeout_seconds=timeout_seconds)
        return run(["docker", *arguments], within=within)

    def answers(self) -> bool:
        """Return whether the engine responds."""
        within = Surroundings(variables=self.variables, timeout_seconds=20)
        return succeeds(["docker", "info"], within=within)

    def image_id(self, reference: str) -> str | None:
        """Return the ID of an image in the engine; None if there is none of that name."""
        try:
            return self.run("image", "inspect", "--format", "{{.Id}}", reference).strip()
        except CommandError:
            return None

    def has_or_pulls(self, reference: str, *, progress: Progress) -> bool:
        """Return whether a public image is in the engine or can be pulled from its registry."""
        if self.image_id(reference) is not None:
            return True
        with progress.step(f"looking for the public image {reference.partition('@')[0]}", usual_seconds=60):
            try:
                self.run("pull", "--quiet", reference, timeout_seconds=PULL_TIMEOUT_SECONDS)
            except CommandError:
                progress.note("no image registry is reachable from here")
                return False
        return True

    def build(self, context: Path, *, tag: str, dockerfile: Path, build_args: Mapping[str, str], log: Path) -> None:
        """Build an image from a folder; raise `CommandError` with the end of the build's output."""
        arguments = [f"--build-arg={name}={value}" for name, value in sorted(build_args.items())]
        within = Surroundings(variables=self.variables, timeout_seconds=BUILD_TIMEOUT_SECONDS)
        argv = ["docker", "build", "--force-rm", f"--tag={tag}", f"--file={dockerfile}", *arguments, str(context)]
        run_logged(argv, log=log, within=within)

    def forget_other_tags(self, kept: str) -> None:
        """Remove the images of the same name with other tags, which earlier inputs left; those in use are kept."""
        self._remove(reference for reference in self._tags(kept.rpartition(":")[0]) if reference != kept)

    def forget_tags(self, repository: str) -> None:
        """Remove the images of this name with any tag; those in use are kept."""
        self._remove(self._tags(repository))

    def _tags(self, repository: str) -> list[str]:
        return self.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()

    def _remove(self, references: Iterable[str]) -> None:
        for reference in references:
            succeeds(["docker", "image", "rm", reference], within=Surroundings(variables=self.variables))


class PrivateDocker:
    """The private Docker engine."""

    def __init__(self, *, progress: Progress) -> None:
        self._progress = progress
        self._root = run_root() / "docker"
        self._supervisor = Supervisor(self._root / "processes", logs=self._root / "logs")
        self.images = cache_root() / "docker"
        self.engine = DockerEngine(host=f"unix://{self._root}/docker.sock")

    def is_running(self) -> bool:
        """Return whether the engine is running and responds."""
        return self._supervisor.is_running("dockerd") and self.engine.answers()

    def has_leftovers(self) -> bool:
        """Return whether this machine has state of an engine, running or killed."""
        return self._root.exists()

    def start(self) -> DockerEngine:
        """Return the engine, starting it if needed."""
        require_root("no Docker is running here, and only root can start a private one")
        ensure(PRIVATE_DOCKER, progress=self._progress)
        with self._lock():
            if not self.is_running():
                with self._progress.step("starting a private Docker engine", usual_seconds=3):
                    self._start()
        return self.engine

    def stop(self) -> None:
        """Stop the engine and its containers; images stay in the cache."""
        with self._lock():
            if not self.has_leftovers():
                return
            with self._progress.step("stopping the private Docker engine"):
                self._tidy()
                self._end()

    def stop_if_idle(self) -> None:
        """Stop the engine unless it has running containers."""
        if self.is_running() and self.engine.run("ps", "--quiet").strip():
            return
        self.stop()

    def _start(self) -> None:
        self._end()
        self._root.mkdir(parents=True, exist_ok=True)
        self.images.mkdir(parents=True, exist_ok=True)
        wrapper = Path(shutil.copy(ASSETS / "docker" / WRAPPER, self._root / WRAPPER))
        self._supervisor.start(
            "dockerd", daemon_argv(self._root, self.images, wrapper=wrapper if self._needs_wrapper() else None)
        )
        wait_until(
            self.engine.answers,
            timeout_seconds=START_SECONDS,
            complaint=lambda: f"the private Docker engine does not respond:\n{self._supervisor.log_tail('dockerd')}",
            abort_if=self._ended,
        )

    def _end(self) -> None:
        self._supervisor.stop("dockerd", grace_seconds=STOP_SECONDS)
        end_processes(self._root)
        unmount_below(self._root, self.images)
        shutil.rmtree(self._root, ignore_errors=True)

    def _needs_wrapper(self) -> bool:
        return lacks_capability(Path("/proc/self/status").read_text(), capability=CAP_SYS_RESOURCE)

    def _ended(self) -> str | None:
        if self._supervisor.is_running("dockerd"):
            return None
        return f"the private Docker engine exited:\n{self._supervisor.log_tail('dockerd')}"

    def _tidy(self) -> None:
        within = Surroundings(variables=self.engine.variables)
        for kind in ("container", "network", "image"):
            succeeds(["docker", kind, "prune", "--force"], within=within)

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive(run_root() / "docker.lock", purpose="the private Docker engine", progress=self._progress)


def daemon_argv(root: Path, images: Path, *, wrapper: Path | None) -> list[str]:
    """Return the private engine's command line: state in `root`, images in `images`, runc behind `wrapper` if given."""
    runtime = ["--add-runtime", f"wrapped={wrapper}", "--default-runtime", "wrapped"] if wrapper else []
    return [
        "dockerd",
        f"--host=unix://{root}/docker.sock",
        f"--pidfile={root}/docker.pid",
        f"--exec-root={root}/exec",
        f"--data-root={images}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        *runtime,
    ]


def lacks_capability(status: str, *, capability: int) -> bool:
    """Return whether the bounding set in /proc/self/status lacks a capability, so that no container can have it."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    return match is not None and not int(match[1], 16) >> capability & 1


def running_engine() -> DockerEngine | None:
    """Return the running Docker engine of this machine if this user may use it; None if there is none."""
    if find_program("docker") is None:
        return None
    engine = DockerEngine(host=None)
    return engine if engine.answers() else None


def find_engine(*, progress: Progress) -> DockerEngine:
    """Return the engine that is running already, or the private one."""
    private = PrivateDocker(progress=progress)
    if private.is_running():
        return private.engine
    running = running_engine()
    if running is not None:
        return running
    ensure(DOCKER_CLIENT, progress=progress)
    # on an ordinary machine, installing Docker's package starts an engine
    return running_engine() or private.start()
