"""KEDA with the HorizontalPodAutoscaler, as two processes beside the control plane, and the objects that it scales.

Everything is set for the fastest response: the queue is read from the engine and not through Prometheus, there is no
stabilization, and four replicas may be added at once. The HorizontalPodAutoscaler syncs every 15 s, the default of
kube-controller-manager, which users of a hosted control plane cannot change.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from testbed.cluster import ControlPlane
from testbed.cluster.progress import Progress
from testbed.cluster.toolbox import Toolbox
from testbed.cluster.tools import KEDA
from testbed.engine.process import free_port
from testbed.harness.kubectl import kubectl
from testbed.waiting import eventually

NAMESPACE = "keda"
API_SERVICE = "v1beta1.external.metrics.k8s.io"
ADAPTER = "keda-metrics-apiserver"
POLLING_SECONDS = 5
HPA_SYNC_SECONDS = 15
START_SECONDS = 60

Object = dict[str, Any]


@contextmanager
def running_keda(folder: Path, *, progress: Progress) -> Iterator[None]:
    """Run KEDA, with logs and certificates in `folder`; the block begins once it serves metrics.

    It runs with the permissions of an administrator: only its speed is compared.
    """
    toolbox = Toolbox(progress=progress)
    certificates = _certificates(folder / "certificates")
    adapter_port, grpc_port = free_port(), free_port()
    _install(toolbox.folder(KEDA) / "crds", adapter_port=adapter_port)
    operator = [
        f"--cert-dir={certificates}",
        "--enable-cert-rotation=false",
        "--enable-webhook-patching=false",
        f"--metrics-service-bind-address=127.0.0.1:{grpc_port}",
        f"--metrics-bind-address=127.0.0.1:{free_port()}",
        f"--health-probe-bind-address=127.0.0.1:{free_port()}",
    ]
    adapter = [
        f"--cert-dir={certificates}",
        f"--metrics-service-address=localhost:{grpc_port}",
        f"--secure-port={adapter_port}",
        f"--port={free_port()}",
        *(f"--{use}kubeconfig={os.environ['KUBECONFIG']}" for use in ("authentication-", "authorization-", "lister-")),
    ]
    with ExitStack() as running:
        running.enter_context(_running(toolbox.program("keda"), operator, log=folder / "keda.log"))
        running.enter_context(_running(toolbox.program("keda-adapter"), adapter, log=folder / "keda-adapter.log"))
        eventually("KEDA serves metrics", _is_available, seconds=START_SECONDS)
        yield


def scaled_deployment(name: str, *, queue_url: str, target: int, most: int) -> list[Object]:
    """Return a Deployment with one replica, and the ScaledObject that scales it on the queue at `queue_url`."""
    labels = {"app": name}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"test/ready-after": "400ms"}},
                "spec": {"nodeSelector": {"type": "kwok"}, "containers": [{"name": "engine", "image": "engine"}]},
            },
        },
    }
    scaled_object = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"name": name},
            "pollingInterval": POLLING_SECONDS,
            "minReplicaCount": 1,
            "maxReplicaCount": most,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _immediate()}},
            "triggers": [
                {
                    "type": "metrics-api",
                    "metadata": {
                        "url": queue_url,
                        "valueLocation": "loads.0.num_waiting_reqs",
                        "targetValue": str(target),
                    },
                }
            ],
        },
    }
    return [deployment, scaled_object]


def _immediate() -> Object:
    policies = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
    up = {"stabilizationWindowSeconds": 0, "policies": [*policies, {"type": "Pods", "value": 4, "periodSeconds": 15}]}
    return {"scaleUp": up, "scaleDown": {"stabilizationWindowSeconds": 0, "policies": policies}}


def _install(definitions: Path, *, adapter_port: int) -> None:
    """Install the CRDs, and register the external metrics API at the adapter's port on this machine."""
    crds = [yaml.safe_load(path.read_text()) for path in sorted(definitions.glob("*.yaml"))]
    version, _, group = API_SERVICE.partition(".")
    # A Service without a cluster IP is enough: the API server then calls its external name.
    objects: Sequence[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": ADAPTER, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": API_SERVICE},
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": ADAPTER, "namespace": NAMESPACE, "port": adapter_port},
            },
        },
    ]
    kubectl("apply", "--server-side", "--filename=-", documents=[*crds, *objects])
    names = [crd["metadata"]["name"] for crd in crds]
    kubectl("wait", "--for=condition=Established", f"--timeout={START_SECONDS}s", "crd", *names)


def _certificates(folder: Path) -> Path:
    """Return a folder with the certificates of both processes: the control plane's own pair for localhost."""
    folder.mkdir(parents=True)
    pki = ControlPlane().kubeconfig.parents[1] / "pki" / "etcd"
    for source, name in (("ca.crt", "ca.crt"), ("peer.crt", "tls.crt"), ("peer.key", "tls.key")):
        shutil.copyfile(pki / source, folder / name)
    return folder


@contextmanager
def _running(program: Path, arguments: Sequence[str], *, log: Path) -> Iterator[None]:
    variables = {"KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE, "POD_NAMESPACE": NAMESPACE, "WATCH_NAMESPACE": ""}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _is_available() -> bool:
    path = 'jsonpath={.status.conditions[?(@.type=="Available")].status}'
    return kubectl("get", "apiservice", API_SERVICE, f"--output={path}") == "True"
