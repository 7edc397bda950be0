"""A gateway pod: HAProxy, the agent beside it, and which of them can read which files.

HAProxy faces clients, so it gets only its configuration and the folder that it shares with the agent. Only the agent
gets keys and tokens.
"""

from typing import Any

from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.rendering import names
from embedding_operator.rendering.gateway_config import GatewayConfig
from embedding_operator.rendering.gateway_memory import memory_limit

ENDPOINT_SETTLE_SECONDS = 10
"""A terminating pod keeps accepting connections for this long: until no endpoint leads to it any more."""
GRACE_MARGIN_SECONDS = 10
LIVENESS_GRACE_SECONDS = 5
"""A container that its liveness probe ends has this long: it is frozen, and the pod's own time is minutes."""

KEYS_FOLDER = "/etc/gateway-keys"
API_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 (a folder)
OPERATOR_TOKEN_FOLDER = "/var/run/secrets/embedding-operator.io"  # noqa: S105 (a folder)
AUDIENCE = "embedding-operator.io"
TOKEN_SECONDS = 3600

HAPROXY_ENVIRONMENT = [
    {"name": "LD_PRELOAD", "value": "libjemalloc.so.2"},
    {"name": "MALLOC_CONF", "value": "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0"},
]
"""Buffers of large bodies are returned to the system a second after their last use.

The C library's allocator keeps them, 1 GiB and more; set to return each at once (MALLOC_MMAP_THRESHOLD_), it takes
three times as much CPU per request.
"""

HAPROXY_REQUESTS: dict[str, str | int] = {"cpu": "50m", "memory": "64Mi"}
AGENT_RESOURCES = {"requests": {"cpu": "10m", "memory": "96Mi"}}

# HAProxy drops its requests on SIGTERM, which Kubernetes sends, and finishes them on SIGUSR1. An image has one stop
# signal for all of its programs. A `wait` that is interrupted by a signal says nothing about the process.
_HAPROXY = """\
haproxy -W -db -f {folder}/haproxy.cfg &
haproxy=$!
trap 'kill -USR1 "$haproxy"' TERM
wait "$haproxy"
ended=$?
while kill -0 "$haproxy" 2>/dev/null; do wait "$haproxy"; ended=$?; done
exit "$ended"
"""

Objects = list[dict[str, Any]]


def haproxy_command(config: GatewayConfig) -> list[str]:
    """Return the command of HAProxy's container: SIGTERM lets it finish its requests."""
    return ["sh", "-c", _HAPROXY.format(folder=config.config_folder)]


def grace_seconds(config: GatewayConfig) -> int:
    """Return how long a pod may take to terminate: the longest that HAProxy lets a request take, plus margins."""
    return ENDPOINT_SETTLE_SECONDS + config.longest_request_seconds + GRACE_MARGIN_SECONDS


def haproxy_resources(gateway: GatewaySpec) -> dict[str, Any]:
    """Return the resources of HAProxy: as stated, with a memory limit in any case."""
    requests, limits = dict(gateway.resources.requests), dict(gateway.resources.limits)
    if not requests and not limits:
        requests = {**HAPROXY_REQUESTS}
    if "memory" not in limits:
        limits["memory"] = memory_limit(gateway)
        # Without one, Kubernetes would reserve as much as the limit.
        requests.setdefault("memory", HAPROXY_REQUESTS["memory"])
    return {"requests": requests, "limits": limits}


def agent_environment(
    service: str, *, namespace: str, config: GatewayConfig, operator_host: str, operator_port: int
) -> list[dict[str, str]]:
    """Return the environment of the agent."""
    variables = {
        "NAMESPACE": namespace,
        "SERVICE": service,
        "ENGINES_SELECTOR": f"kubernetes.io/service-name={names.engines_name(service)}",
        "ENGINES_PORT": names.PORT_NAME,
        "PORT": str(config.agent_port),
        "OPERATOR_HOST": operator_host,
        "OPERATOR_PORT": str(operator_port),
        # As long as HAProxy may take, because engines come and go meanwhile.
        "LINGER_SECONDS": str(grace_seconds(config) - 1),
    }
    return [{"name": f"EMBEDDING_GATEWAY_{name}", "value": value} for name, value in variables.items()]


def volumes(name: str, *, keys_secret: str | None) -> Objects:
    """Return the volumes of the pod; `name` is that of the ConfigMap."""
    keys: Objects = []
    if keys_secret is not None:
        # Not optional: a pod without the Secret would refuse every client. So new pods wait for it while those that
        # have the keys keep serving, and keep the last keys if it is deleted.
        keys = [{"name": "keys", "secret": {"secretName": keys_secret, "defaultMode": 0o440}}]
    return [
        {"name": "config", "configMap": {"name": name, "defaultMode": 0o444}},
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        *keys,
        {"name": "api-token", "projected": {"defaultMode": 0o440, "sources": _API_ACCESS}},
        {"name": "operator-token", "projected": {"defaultMode": 0o440, "sources": [_token(audience=AUDIENCE)]}},
    ]


def haproxy_mounts(config: GatewayConfig) -> Objects:
    """Return the mounts of HAProxy."""
    return [_read_only("config", config.config_folder), _shared(config)]


def prepare_mounts(config: GatewayConfig, *, has_keys: bool) -> Objects:
    """Return the mounts of the container that prepares the files with which HAProxy starts."""
    keys = [_read_only("keys", KEYS_FOLDER)] if has_keys else []
    return [_shared(config), *keys]


def agent_mounts(config: GatewayConfig, *, has_keys: bool) -> Objects:
    """Return the mounts of the agent."""
    return [
        *prepare_mounts(config, has_keys=has_keys),
        _read_only("api-token", API_TOKEN_FOLDER),
        _read_only("operator-token", OPERATOR_TOKEN_FOLDER),
    ]


def _shared(config: GatewayConfig) -> dict[str, Any]:
    return {"name": "run", "mountPath": config.run_folder}


def _read_only(name: str, folder: str) -> dict[str, Any]:
    return {"name": name, "mountPath": folder, "readOnly": True}


def _token(**fields: str) -> dict[str, Any]:
    return {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS, **fields}}


_API_ACCESS: Objects = [
    _token(),
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
]

SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
