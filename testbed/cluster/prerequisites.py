"""Makes sure that this machine has what a step needs: installed if possible, otherwise named clearly."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from ctypes.util import find_library
from dataclasses import dataclass

from .commands import CommandError, Surroundings, run
from .errors import PrerequisiteError
from .programs import find_program
from .progress import Progress

APT_SURROUNDINGS = Surroundings(variables={"DEBIAN_FRONTEND": "noninteractive"}, timeout_seconds=600)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A required program, and its purpose, which completes a sentence that begins with "it …"."""

    program: str
    purpose: str

    def is_met(self) -> bool:
        """Return whether the program is installed."""
        return find_program(self.program) is not None

    def install(self, *, progress: Progress) -> None:
        """Install it for this project only, if that is possible; raise `CommandError` on failure."""

    @property
    def advice(self) -> str:
        """How a user installs it."""
        return f"install {self.program}"

    def __str__(self) -> str:
        return f"program {self.program}"


@dataclass(frozen=True, slots=True)
class Packaged(Requirement):
    """A program from a Debian package."""

    package: str


@dataclass(frozen=True, slots=True)
class Library(Packaged):
    """A shared library from a Debian package; `program` is its name without "lib" and version."""

    def is_met(self) -> bool:
        """Return whether the dynamic linker knows it."""
        return find_library(self.program) is not None

    def __str__(self) -> str:
        return f"library {self.program}"


def missing_from(requirements: Iterable[Requirement]) -> list[Requirement]:
    """Return the requirements that this machine does not meet."""
    return [requirement for requirement in requirements if not requirement.is_met()]


def ensure(requirements: Sequence[Requirement], *, progress: Progress) -> None:
    """Install what is missing if this user may; raise a `PrerequisiteError` that names everything still missing."""
    missing = missing_from(requirements)
    packages = sorted({each.package for each in missing if isinstance(each, Packaged)})
    if packages and os.geteuid() == 0 and find_program("apt-get"):
        with progress.step(f"installing {' '.join(packages)}", usual_seconds=10 + 3 * len(packages)):
            _apt_install(packages)
    for requirement in missing_from(requirements):
        try:
            requirement.install(progress=progress)
        except CommandError as failure:
            progress.note(str(failure))
    missing = missing_from(requirements)
    if missing:
        raise PrerequisiteError(missing_message(missing))


def missing_message(missing: Sequence[Requirement]) -> str:
    """Return one line for each missing requirement with its purpose, then the commands that install them."""
    lines = [f"missing {requirement}: it {requirement.purpose}" for requirement in missing]
    packages = sorted({each.package for each in missing if isinstance(each, Packaged)})
    others = [each.advice for each in missing if not isinstance(each, Packaged)]
    commands = [f"install with: {_apt_command(packages)}   (as root; package names of Debian 12)"] if packages else []
    return "\n".join([*lines, *commands, *(f"install with: {advice}" for advice in others)])


def require_root(purpose: str) -> None:
    """Raise `PrerequisiteError` unless this process runs as root."""
    if os.geteuid() != 0:
        message = f"root is required: {purpose}; run this as root, for example with sudo --preserve-env"
        raise PrerequisiteError(message)


def skip_reason(missing: PrerequisiteError, *, environment: Mapping[str, str]) -> str:
    """Return why a test is skipped on this machine; in CI, where no test may be skipped, raise `missing`."""
    if environment.get("CI", "").lower() in {"1", "true"}:
        raise missing
    return str(missing)


def _apt_command(packages: Sequence[str]) -> str:
    return f"apt-get install {' '.join(packages)}"


def _apt_install(packages: Sequence[str]) -> None:
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    try:
        run(install, within=APT_SURROUNDINGS)
    except CommandError:
        try:
            run(["apt-get", "update"], within=APT_SURROUNDINGS)
            run(install, within=APT_SURROUNDINGS)
        except CommandError as failure:
            raise PrerequisiteError(str(failure)) from failure
