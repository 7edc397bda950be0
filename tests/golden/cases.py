"""The golden cases: a service, the pools it needs beyond the shipped ones, and the objects rendered from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.gateway_routing import ENGINES_ONLY, GATEWAY_ONLY, Route
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.names import GPU_POOL
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults, ServiceRef, render_service

CASES = Path(__file__).parent / "files"
CATALOG = Path(__file__).parents[2] / "charts" / "embedding-operator" / "files" / "gpupools.yaml"
NAMES = sorted(path.name for path in CASES.iterdir())
DEFAULTS = EngineDefaults(image="docker.io/lmsysorg/sglang:v0.5.23")
GATEWAY = GatewayDefaults(
    image="embedding-operator/embedding-operator:0.1.0",
    cluster_role="embedding-operator-gateway",
    operator_host="embedding-operator-poke.embedding-operator-system.svc",
    operator_port=8082,
    operator_namespace="embedding-operator-system",
    operator_labels={"app.kubernetes.io/name": "embedding-operator", "app.kubernetes.io/instance": "release"},
    node_selector={"kubernetes.io/os": "linux"},
    metrics_namespaces=("monitoring",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case, defined by its folder; with a gateway only if the folder says so, to keep the files short."""

    name: str
    service: ServiceRef
    spec: EmbeddingServiceSpec
    pools: dict[str, GPUPoolSpec]
    route: Route

    @property
    def rendered_file(self) -> Path:
        """Return the file with the expected objects."""
        return CASES / self.name / "rendered.yaml"

    def render(self) -> tuple[Manifest, ...]:
        """Return the rendered objects, with the minimum replicas of the spec."""
        return render_service(
            self.service,
            self.spec,
            pools=self.pools,
            replicas={pool.gpu_pool: pool.min_replicas for pool in self.spec.pools},
            route=self.route,
            settings=DEFAULTS,
            gateway=GATEWAY,
        )

    def deployments(self) -> list[dict[str, Any]]:
        """Return the rendered Deployments of engines."""
        deployments = [manifest.body for manifest in self.render() if manifest.kind == "Deployment"]
        return [body for body in deployments if GPU_POOL in body["metadata"]["labels"]]


def shipped_pools() -> dict[str, GPUPoolSpec]:
    """Return the pools that the chart installs."""
    return _pools(CATALOG)


def load(name: str) -> Case:
    """Return a case by the name of its folder."""
    service = yaml.safe_load((CASES / name / "service.yaml").read_text(encoding="utf-8"))
    own = CASES / name / "gpupools.yaml"
    return Case(
        name=name,
        service=ServiceRef(namespace="search", name=service["name"], uid="7d1e2a3b-0000-4000-8000-000000000001"),
        spec=EmbeddingServiceSpec.model_validate(service["spec"]),
        pools={**shipped_pools(), **(_pools(own) if own.exists() else {})},
        route=GATEWAY_ONLY if service.get("behindGateway") else ENGINES_ONLY,
    )


def _pools(path: Path) -> dict[str, GPUPoolSpec]:
    documents = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: GPUPoolSpec.model_validate(spec) for name, spec in documents.items()}
