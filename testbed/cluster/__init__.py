"""Kubernetes clusters for the tests, made from pinned sources and healed by themselves.

`ControlPlane` is a real control plane with GPU nodes that exist only in its API: integration tests, faults, scale.
`KindCluster` has real kubelets and an A10 and a T4 worker: end-to-end tests and the demo.
`ExistingCluster` is one that somebody else made.
"""

from .api import Cluster
from .control_plane import ControlPlane
from .errors import ClusterError, PrerequisiteError
from .existing import ExistingCluster
from .images import Images
from .kind import KindCluster

__all__ = [
    "Cluster",
    "ClusterError",
    "ControlPlane",
    "ExistingCluster",
    "Images",
    "KindCluster",
    "PrerequisiteError",
]
