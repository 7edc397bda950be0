"""kind's configuration of the GPU cluster, for the node image and the host folders at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .paths import ASSETS

FILES = ASSETS / "kind"


def cluster_config(*, mounts: Sequence[Path], assembled: bool) -> str:
    """Configuration as YAML: `mounts` appear read-only under the same path in every worker.

    `assembled` says that the nodes run the assembled image, whose kubelet needs settings that the public one does not.
    """
    config: dict[str, Any] = yaml.safe_load((FILES / "cluster.yaml").read_text())
    if assembled:
        config["kubeadmConfigPatches"] = [(FILES / "assembled-kubelet.yaml").read_text()]
    for node in config["nodes"]:
        if node["role"] == "worker" and mounts:
            node["extraMounts"] = [_mount(path) for path in mounts]
    return yaml.safe_dump(config, sort_keys=False)


def without_forwarding(corefile: str) -> str:
    """CoreDNS' configuration without a server behind it: a node whose resolver is Docker's has none for pods."""
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
