"""Self-healing Kubernetes clusters for the tests, built from pinned sources.

`ControlPlane` is a real control plane with GPU nodes that exist only in its API: for integration, faults and scale.
`KindCluster` has real kubelets, an A10 worker and a T4 worker: for end-to-end tests and the demo.
`ExistingCluster` is one that this project did not create.
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
