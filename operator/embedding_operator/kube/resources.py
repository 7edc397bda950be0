"""The kinds that the operator reads and writes, and their paths on the API server."""

from dataclasses import dataclass
from urllib.parse import quote

from embedding_operator.api import crd
from embedding_operator.api.v1alpha1.base import API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind in one version of its API group."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """Return the API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """Return the name as RBAC and kubectl write it, such as `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, of one object, or of one of its subresources."""
        parts = ["apis" if self.group else "api", *self.api_version.split("/")]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)


def _custom(resource: crd.CustomResource) -> Resource:
    return Resource(api_version=API_VERSION, kind=resource.kind, plural=resource.plural, namespaced=resource.namespaced)


EMBEDDING_SERVICE = _custom(crd.EMBEDDING_SERVICE)
GPU_POOL = _custom(crd.GPU_POOL)
SCALING_SCHEDULE = _custom(crd.SCALING_SCHEDULE)

NAMESPACE = Resource(api_version="v1", kind="Namespace", plural="namespaces", namespaced=False)
NODE = Resource(api_version="v1", kind="Node", plural="nodes", namespaced=False)
POD = Resource(api_version="v1", kind="Pod", plural="pods")
SERVICE = Resource(api_version="v1", kind="Service", plural="services")
DEPLOYMENT = Resource(api_version="apps/v1", kind="Deployment", plural="deployments")
CONFIG_MAP = Resource(api_version="v1", kind="ConfigMap", plural="configmaps")
SERVICE_ACCOUNT = Resource(api_version="v1", kind="ServiceAccount", plural="serviceaccounts")
ROLE_BINDING = Resource(api_version="rbac.authorization.k8s.io/v1", kind="RoleBinding", plural="rolebindings")
NETWORK_POLICY = Resource(api_version="networking.k8s.io/v1", kind="NetworkPolicy", plural="networkpolicies")
POD_DISRUPTION_BUDGET = Resource(api_version="policy/v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets")

LEASE = Resource(api_version="coordination.k8s.io/v1", kind="Lease", plural="leases")
EVENT = Resource(api_version="events.k8s.io/v1", kind="Event", plural="events")
HORIZONTAL_POD_AUTOSCALER = Resource(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", plural="horizontalpodautoscalers"
)
SCALED_OBJECT = Resource(api_version="keda.sh/v1alpha1", kind="ScaledObject", plural="scaledobjects")

CHILDREN = (
    # Surplus children are deleted in this order: access to engines is opened before any route to them is removed.
    NETWORK_POLICY,
    DEPLOYMENT,
    SERVICE,
    POD_DISRUPTION_BUDGET,
    CONFIG_MAP,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
)
"""Kinds that the operator creates for an EmbeddingService, owned by it."""

CUSTOM = (EMBEDDING_SERVICE, GPU_POOL, SCALING_SCHEDULE)
"""Kinds that users write and the operator reports on."""
