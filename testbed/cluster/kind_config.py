"""kind's configuration of the GPU cluster, for a node image and host folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .paths import ASSETS

FILES = ASSETS / "kind"


def cluster_config(*, mounts: Sequence[Path], assembled: bool) -> str:
    """Return the configuration as YAML; `mounts` are mounted read-only at the same path in every worker.

    `assembled` means that the nodes run the assembled image, whose kubelet needs additional settings.
    """
    config: dict[str, Any] = yaml.safe_load((FILES / "cluster.yaml").read_text())
    if assembled:
        config["kubeadmConfigPatches"] = [(FILES / "assembled-kubelet.yaml").read_text()]
    for node in config["nodes"]:
        if node["role"] == "worker" and mounts:
            node["extraMounts"] = [_mount(path) for path in mounts]
    return yaml.safe_dump(config, sort_keys=False)


def without_forwarding(corefile: str) -> str:
    """Return CoreDNS' configuration without an upstream server: pods cannot reach Docker's resolver on a node."""
    kept: list[str] = []
    depth_in_forward = 0
    for line in corefile.splitlines():
        words = line.split()
        if depth_in_forward or words[:1] == ["forward"]:
            depth_in_forward += line.count("{") - line.count("}")
        elif words != ["loop"]:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _mount(path: Path) -> dict[str, object]:
    return {"hostPath": str(path), "containerPath": str(path), "readOnly": True}
