"""`spec.gateway`: the gateway in front of the engines."""

from typing import Annotated

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import ApiModel, rule, rules
from embedding_operator.api.v1alpha1.kubernetes_types import LocalObjectReference, ResourceRequirements

MAX_BODY_KIB = 16 * 1024


class GatewaySpec(ApiModel):
    """The gateway: it spreads over the engines as many requests as they can handle, and queues the rest."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.enabled || !has(self.apiKeysSecretRef)",
                "apiKeysSecretRef has no effect without the gateway, and engines would answer any client: set enabled "
                "to true or remove apiKeysSecretRef",
                field=".apiKeysSecretRef",
            )
        )
    )

    enabled: bool = Field(
        default=True,
        description="Without the gateway, clients reach the engines directly: a single request can crash an engine, "
        "and requests fail while there is no replica.",
    )
    replicas: Annotated[int, Field(ge=1, le=20)] = Field(default=2, description="Number of gateway pods.")
    max_connections_per_engine: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None,
        description="Requests that each gateway pod sends to one engine at once; the others wait. Default: 32 until "
        "the operator has learned how many an engine can use, then twice that.",
    )
    queue_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=60, description="A request that has waited this long for an engine is answered with 503."
    )
    hold_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300,
        description="How long a request waits for the first replica of a service that has none. 0: it is answered with "
        "503 at once.",
    )
    body_limit_kib: Annotated[int, Field(ge=1, le=MAX_BODY_KIB, alias="bodyLimitKiB")] = Field(
        default=1024, description="Largest request body. Every connection may hold two of them in memory."
    )
    api_keys_secret_ref: LocalObjectReference | None = Field(
        default=None,
        description="Secret with the API keys of clients: names of clients as keys, API keys as values. If the Secret "
        "does not exist, new gateway pods wait for it; if it has no API key, every request is refused.",
    )
    resources: ResourceRequirements = Field(
        default_factory=ResourceRequirements,
        description="CPU and memory of HAProxy. Default: requests of 50m and 64Mi, and a memory limit of 2Gi. How many "
        "connections clients may have follows from the memory limit and bodyLimitKiB.",
    )
