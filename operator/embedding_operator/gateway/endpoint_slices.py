"""Where the pods behind a Service can be reached, according to Kubernetes."""

from embedding_operator.kube.resources import Resource
from embedding_operator.kube.watch import Collection

ENDPOINT_SLICE = Resource(api_version="discovery.k8s.io/v1", kind="EndpointSlice", plural="endpointslices")


def endpoint_slices(*, namespace: str, selector: str) -> Collection:
    """Return the EndpointSlices in `namespace` that match `selector`; they carry the labels of their Service."""
    return Collection(resource=ENDPOINT_SLICE, namespace=namespace, selector=selector)
