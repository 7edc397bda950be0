"""What the gateways of all services get from the operator's installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedding_operator.api.v1alpha1.kubernetes_types import Toleration


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDefaults:
    """What gateways get from the operator's installation.

    `image` holds both the agent and HAProxy. `cluster_role` lets the agent read EndpointSlices. `operator_host`
    resolves to every pod of the operator that accepts pokes; `operator_labels` select its pods in `operator_namespace`.
    Gateways run on nodes with the labels of `node_selector` and no taints but those in `tolerations`: the cluster admin
    decides what nodes are for, not each service. Pods in `metrics_namespaces` may read the metrics of engines
    and gateways. `restrict_networks` adds policies for gateways and for the connections that engines open;
    `engine_egress` has further rules for the latter, as in a NetworkPolicy.
    """

    image: str
    cluster_role: str
    operator_host: str
    operator_port: int
    operator_namespace: str
    operator_labels: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...] = ()
    metrics_namespaces: tuple[str, ...] = ()
    restrict_networks: bool = True
    engine_egress: tuple[Mapping[str, Any], ...] = ()
