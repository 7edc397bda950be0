"""What a machine must have before a cluster can be built: installed where possible, named clearly where not."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from ctypes.util import find_library
from dataclasses import dataclass

from .commands import CommandError, Surroundings, run
from .errors import PrerequisiteError
from .progress import Progress

LEAST_GO = (1, 26)
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
APT_SURROUNDINGS = Surroundings(variables={"DEBIAN_FRONTEND": "noninteractive"}, timeout_seconds=600)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A program that must be there, the Debian package that brings it, and what it is for."""

    program: str
    package: str
    purpose: str

    def is_met(self) -> bool:
        """Whether it is on the search path."""
        return find_program(self.program) is not None

    def __str__(self) -> str:
        return f"program {self.program}"


@dataclass(frozen=True, slots=True)
class Library(Requirement):
    """A shared library that must be there; `program` is its name without "lib" and version."""

    def is_met(self) -> bool:
        """Whether the dynamic linker knows it."""
        return find_library(self.program) is not None

    def __str__(self) -> str:
        return f"library {self.program}"


PAUSE_COMPILER = (
    Requirement("gcc", "gcc", "compiles the container that holds a pod's network"),
    Requirement("ld", "binutils", "links it"),
)
CONTROL_PLANE = (
    Requirement("ip", "iproute2", "makes the control plane's network namespace"),
    Requirement("nsenter", "util-linux", "runs programs in that namespace"),
)
DOCKER_CLIENT = (Requirement("docker", "docker.io", "runs kind's nodes and builds images"),)
PRIVATE_DOCKER = (
    Requirement("dockerd", "docker.io", "runs kind's nodes and builds images"),
    Requirement("runc", "runc", "runs containers"),
    Requirement("iptables", "iptables", "connects containers"),
    Requirement("jq", "jq", "adapts container settings to the machine's capabilities"),
)
GATEWAY = (
    Requirement("haproxy", "haproxy", "is the gateway in front of a service's engines"),
    Library("jemalloc", "libjemalloc2", "lets the gateway give memory back"),
)
PROMETHEUS = (Requirement("prometheus", "prometheus", "answers the queries of triggers and forecasts"),)
LOAD_GENERATOR = (
    Requirement("wrk", "wrk", "asks doors for embeddings at a rate, and as fast as they answer"),
    Requirement("taskset", "util-linux", "keeps a process on one core"),
)
DEBIAN_ROOT = (Requirement("mmdebstrap", "mmdebstrap", "makes Debian root file systems for images"),)


def missing_from(requirements: Iterable[Requirement]) -> list[Requirement]:
    """The requirements that this machine does not meet."""
    return [requirement for requirement in requirements if not requirement.is_met()]


def find_program(name: str) -> str | None:
    """Path of a program, also where a user's search path leaves out the system folders."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS]))


def ensure(requirements: Sequence[Requirement], *, progress: Progress) -> None:
    """Install what is missing where this user may; raises `PrerequisiteError` that names all that stays missing."""
    missing = missing_from(requirements)
    if missing and os.geteuid() == 0 and find_program("apt-get"):
        packages = sorted({requirement.package for requirement in missing})
        with progress.step(f"installing {' '.join(packages)}", expected_seconds=30):
            _install(packages)
        missing = missing_from(requirements)
    if missing:
        raise PrerequisiteError(missing_message(missing))


def missing_message(missing: Sequence[Requirement]) -> str:
    """One line for each that is missing with what it is for, then the command that installs them."""
    lines = [f"missing {requirement}: it {requirement.purpose}" for requirement in missing]
    packages = " ".join(sorted({requirement.package for requirement in missing}))
    return "\n".join([*lines, f"install with: apt-get install {packages}   (as root; package names of Debian 12)"])


def require_root(purpose: str) -> None:
    """Raise `PrerequisiteError` unless this process runs as root."""
    if os.geteuid() != 0:
        message = f"root is needed: {purpose}; run it as root, for example with sudo --preserve-env"
        raise PrerequisiteError(message)


def require_go() -> None:
    """Raise `PrerequisiteError` unless a Go that can build the pinned tools is there."""
    wanted = ".".join(map(str, LEAST_GO))
    advice = f"Go {wanted} or newer is needed once, to build the programs of the test clusters; install it from https://go.dev/dl"
    try:
        reported = run(["go", "version"], within=Surroundings(variables={"GOTOOLCHAIN": "local"}))
    except CommandError as failure:
        message = f"missing program go: {advice}"
        raise PrerequisiteError(message) from failure
    found = go_version(reported)
    if found is None or found < LEAST_GO:
        message = f"this Go is too old ({reported.strip()}): {advice}"
        raise PrerequisiteError(message)


def require_uv() -> None:
    """Raise `PrerequisiteError` unless uv is there."""
    if find_program("uv") is None:
        message = "missing program uv: it collects the wheels for images\ninstall with: pip install uv"
        raise PrerequisiteError(message)


def go_version(reported: str) -> tuple[int, int] | None:
    """Major and minor version in the answer of `go version`; None if it holds none."""
    match = re.search(r"\bgo(\d+)\.(\d+)", reported)
    return (int(match[1]), int(match[2])) if match else None


def skip_reason(missing: PrerequisiteError, *, environment: Mapping[str, str]) -> str:
    """Why a test is skipped on this machine; raises `missing` where CI runs, as there nothing may be skipped."""
    if environment.get("CI", "").lower() in {"1", "true"}:
        raise missing
    return str(missing)


def _install(packages: Sequence[str]) -> None:
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    try:
        run(install, within=APT_SURROUNDINGS)
    except CommandError:
        run(["apt-get", "update"], within=APT_SURROUNDINGS)
        try:
            run(install, within=APT_SURROUNDINGS)
        except CommandError as failure:
            raise PrerequisiteError(str(failure)) from failure
