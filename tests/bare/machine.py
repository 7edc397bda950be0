"""A new machine: a Debian with Python and make, isolated from this machine except for its network.

It is a folder that programs are confined to, in separate namespaces that end with the command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster.cache import Cache
from testbed.cluster.commands import run, tail
from testbed.cluster.debian_root import debian_root
from testbed.cluster.paths import REPOSITORY
from testbed.cluster.prerequisites import Packaged, ensure
from testbed.cluster.progress import Progress

PACKAGES = ("ca-certificates", "make", "python3")
"""What README.md requires, without what the two commands install."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CHECKOUT = "/root/embedding-operator"
NOT_COPIED = (".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "*.log")
COMMAND_SECONDS = 900.0

LOCK_IN = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"'
NAMESPACES = (Packaged("unshare", "keeps a new machine apart from this one", "util-linux"),)

NETWORK_FILES = ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt", "etc/pip.conf", "etc/uv/uv.toml")
"""What network administrators set up on every machine: host names, certificates, mirrors of package registries."""

NETWORK_HOME_FILES = (".config/go/env", ".config/uv/uv.toml", ".config/pip/pip.conf")
NETWORK_VARIABLES = re.compile(
    r"(?i)^(https?_proxy|no_proxy|ssl_cert_(file|dir)|requests_ca_bundle|curl_ca_bundle|goproxy|gosumdb"
    r"|(pip|uv)_(cert|index_url|extra_index_url|default_index|index|native_tls|default_timeout))$"
)


@dataclass(frozen=True, slots=True)
class BareMachine:
    """The machine; its commands run in the checkout of the working tree."""

    root: Path

    @property
    def cache(self) -> Path:
        """The project's cache on the machine."""
        return self.root / "root" / ".cache" / "embedding-operator"

    def run(self, *argv: str, user: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout with only the system's PATH; the output contains both streams."""
        enter = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", LOCK_IN, "sh", str(self.root))
        within = ("env", f"--chdir={CHECKOUT}", *user)
        return subprocess.run(
            [*enter, *within, *argv],
            env={**_network_variables(os.environ), "PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def succeed(self, *argv: str) -> str:
        """Return the output of a command that must succeed."""
        finished = self.run(*argv)
        assert finished.returncode == 0, f"{argv} ended with {finished.returncode}:\n{tail(finished.stdout)}"
        return finished.stdout


@contextmanager
def bare_machine(*, progress: Progress) -> Iterator[BareMachine]:
    """Yield a new machine and remove it afterwards; leftovers of a killed run are removed when the next one begins."""
    ensure(NAMESPACES, progress=progress)
    cache = Cache(progress=progress)
    archive = debian_root("bare-machine", packages=PACKAGES, cache=cache, progress=progress)
    with cache.workspace("bare-machine-root", purpose="a new machine") as root:
        run(["tar", "--extract", f"--file={archive}", f"--directory={root}"])
        (root / "dev").mkdir(exist_ok=True)
        _connect(root)
        # packages contain services, and none may start
        policy = root / "usr" / "sbin" / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        shutil.copytree(REPOSITORY, root / CHECKOUT.lstrip("/"), ignore=shutil.ignore_patterns(*NOT_COPIED))
        yield BareMachine(root)


def _connect(root: Path) -> None:
    settings = [path.relative_to("/") for path in Path("/etc/apt/apt.conf.d").glob("99*")]
    files = [*map(Path, NETWORK_FILES), *settings]
    copies = [(Path("/") / file, root / file) for file in files]
    copies += [(Path.home() / file, root / "root" / file) for file in NETWORK_HOME_FILES]
    for source, target in copies:
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(source, target)


def _network_variables(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if NETWORK_VARIABLES.match(name)}
