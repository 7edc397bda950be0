"""The operator on a kind cluster, installed with its chart as a user would, with engines that need no GPU.

Tests and the demo share it: images are built once per set of inputs, an existing installation is upgraded, namespaces
that a killed run left are replaced.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from testbed.cluster import Images, KindCluster
from testbed.cluster.cache import Cache
from testbed.cluster.commands import Surroundings, run
from testbed.cluster.docker_engine import find_engine
from testbed.cluster.kind import LOAD_SECONDS, LOADING
from testbed.cluster.paths import REPOSITORY
from testbed.cluster.plan import Item, prepare
from testbed.cluster.progress import Progress
from testbed.engine.image import TOOLBOX
from testbed.engine.real.environment import EngineEnvironment, planned_environment
from testbed.preparation import KIND_CLUSTER, OPERATOR_IMAGE, TOOLBOX_IMAGE, Plan, ensure_requirements
from testbed.readme import commands

RELEASE = "embedding-operator"
NAMESPACE = "embedding-operator-system"
OPERATOR_PODS = f"app.kubernetes.io/name=embedding-operator,app.kubernetes.io/instance={RELEASE}"
TEST_LABEL = "embedding-operator.io/e2e"
TEST_NAMESPACES = f"{TEST_LABEL}=true"

INSTALLING = "installing the operator with Helm"
HELM_SECONDS = 300.0
DELETE_SECONDS = 180.0
UNFINISHED = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)"
"""Helm's records of operations that were killed; as long as one exists, Helm refuses any other operation."""

FIRST_NAMESPACE = "e2e-first"
QUEUE_NAMESPACE = "e2e-queue"

A10_NODES = {"nvidia.com/gpu.product": "NVIDIA-A10"}
REAL_POOL = "cpu"
MODEL_CLAIM = "minilm"
ENGINE_FOLDER = "/opt/sglang"
SITE_PACKAGES = "lib/python3.11/site-packages"

FAKE_TOKENS_PER_SECOND = 200
"""Throughput of one replica of the fake engine; the samples set it as `tokensPerSecond`."""

FAKE_ENGINE_VARIABLES: Mapping[str, str] = {
    "FAKE_ENGINE_START_DELAY_SECONDS": "2",
    "FAKE_ENGINE_BASE_SECONDS": "0.01",
    "FAKE_ENGINE_SECONDS_PER_TOKEN": str(1 / FAKE_TOKENS_PER_SECOND),
    "FAKE_ENGINE_DRAIN_POLL_SECONDS": "1",
    "FAKE_ENGINE_NAMED": "true",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """An operator running in a cluster.

    `toolbox_image` holds the fake engine, the load client and the OpenAI client; `python_image` only Python.
    """

    cluster: KindCluster
    toolbox_image: str
    python_image: str
    environment: EngineEnvironment

    def apply(self, *documents: Mapping[str, Any], namespace: str | None = None) -> None:
        """Apply objects, into `namespace` if they name none."""
        place = [] if namespace is None else [f"--namespace={namespace}"]
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.cluster.kubectl("apply", "--server-side", *place, "--filename=-", stdin=json.dumps(listed))

    def objects(self, *query: str) -> list[dict[str, Any]]:
        """Return the objects that `kubectl get QUERY` finds; none if an object requested by name does not exist."""
        found = self.cluster.kubectl("get", *query, "--ignore-not-found", "--output=json")
        document = json.loads(found) if found.strip() else {"items": []}
        return list(document["items"]) if "items" in document else [document]

    def make_namespace(self, name: str) -> None:
        """Create a new, empty namespace; one of the same name that an earlier run left is deleted first."""
        self.delete_namespaces(name)
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {TEST_LABEL: "true"}},
        }
        self.apply(namespace)

    def delete_namespaces(self, *names: str) -> None:
        """Delete namespaces with all that is in them, and wait until they are gone."""
        limit = f"--timeout={DELETE_SECONDS:.0f}s"
        command = ("delete", "namespace", "--ignore-not-found", limit, *names)
        # engine pods would take the whole grace period to drain requests that no client waits for
        for name in names:
            self._delete_pods(name)
        self.cluster.kubectl(*command, timeout_seconds=DELETE_SECONDS + 10)

    def delete_leftovers(self) -> None:
        """Delete the namespaces that earlier runs created, with every service in them."""
        names = [body["metadata"]["name"] for body in self.objects("namespaces", f"--selector={TEST_NAMESPACES}")]
        if names:
            self.delete_namespaces(*names)

    def kill_operator(self) -> None:
        """Kill the operator's process without warning; its Deployment starts another one."""
        selection = (f"--namespace={NAMESPACE}", f"--selector={OPERATOR_PODS}")
        self.cluster.kubectl("delete", "pods", *selection, "--force", "--grace-period=0", "--wait=false")

    def operator_log(self) -> str:
        """Return the end of the operator's log."""
        selection = (f"--namespace={NAMESPACE}", f"--selector={OPERATOR_PODS}")
        return self.cluster.kubectl("logs", *selection, "--tail=200")

    def offer_model(self, *, namespace: str) -> None:
        """Create the claim `minilm` in a namespace: the model, on a volume that exists on every node."""
        volume = f"{MODEL_CLAIM}-{namespace}"
        self.cluster.kubectl("delete", "persistentvolume", volume, "--ignore-not-found", "--timeout=30s")
        self.apply(*_model_volume(volume, namespace=namespace, path=str(self.environment.model_path.resolve())))

    def _delete_pods(self, namespace: str) -> None:
        self.cluster.kubectl(
            "delete",
            "embeddingservices.embedding-operator.io",
            "--all",
            f"--namespace={namespace}",
            "--ignore-not-found",
            "--timeout=30s",
        )
        self.cluster.kubectl(
            "delete", "deployments,pods", "--all", f"--namespace={namespace}", "--force", "--grace-period=0"
        )


def cluster_for_engines(*, progress: Progress) -> tuple[KindCluster, EngineEnvironment]:
    """Return the running kind cluster with the real engine's environment in its workers, and that environment."""
    cluster, environment, items = _planned_cluster(progress)
    prepare(items, progress=progress)
    return cluster, environment


def install(*, progress: Progress, engine_variables: Mapping[str, str] = FAKE_ENGINE_VARIABLES) -> Installation:
    """Return the operator of the working tree, installed and ready in the kind cluster, which is created if needed.

    The pools `a10` and `t4` run the fake engine with `engine_variables`, the pool `cpu` runs the real SGLang.
    """
    cluster, environment, items = _planned_cluster(progress)
    images = Images(cluster.engine, progress=progress)

    def load() -> None:
        cluster.load_images(images.operator(), images.toolbox(TOOLBOX), images.python_base())

    def install_chart() -> None:
        values = _values(images.operator(), toolbox=images.toolbox(TOOLBOX), variables=engine_variables)
        _helm_install(cluster, values=values)

    loading = Item(LOADING, LOAD_SECONDS, 0, make=load, after=(KIND_CLUSTER, OPERATOR_IMAGE, TOOLBOX_IMAGE))
    prepare([*items, loading, Item(INSTALLING, 10, 0, make=install_chart, after=(LOADING,))], progress=progress)
    installation = Installation(cluster, images.toolbox(TOOLBOX), images.python_base(), environment)
    installation.delete_leftovers()
    installation.apply(real_engine_pool(REAL_POOL, node_selector=A10_NODES, installation=installation))
    return installation


def _planned_cluster(progress: Progress) -> tuple[KindCluster, EngineEnvironment, list[Item]]:
    ensure_requirements("demo", progress=progress)
    plan = Plan(find_engine(progress=progress), progress=progress)
    environment = planned_environment(cache=Cache(progress=progress))
    cluster = KindCluster(extra_mounts=[environment.folder], progress=progress)
    return cluster, environment, [*plan.for_kind(), plan.cluster(cluster)]


def real_engine_pool(name: str, *, node_selector: Mapping[str, str], installation: Installation) -> dict[str, Any]:
    """Return the sample's pool of CPU engines, with this machine's real SGLang instead of the public image.

    The environment is mounted and found by PYTHONPATH: the pod does not need the Python that it was created with.
    """
    pool = next(document for document in cpu_sample() if document["kind"] == "GPUPool")
    folder = str(installation.environment.folder.resolve())
    engine = {
        "image": installation.python_image,
        "env": [{"name": "PYTHONPATH", "value": f"{ENGINE_FOLDER}/{SITE_PACKAGES}"}],
        "volumes": [{"name": "sglang", "hostPath": {"path": folder, "type": "Directory"}}],
        "volumeMounts": [{"name": "sglang", "mountPath": ENGINE_FOLDER, "readOnly": True}],
    }
    selection = {
        "nodeSelector": {**pool["spec"]["nodeSelector"], **node_selector},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    }
    spec = {**pool["spec"], **selection, "engine": {**pool["spec"]["engine"], **engine}}
    return {**pool, "metadata": {"name": name}, "spec": spec}


def cpu_sample() -> list[dict[str, Any]]:
    """Return the objects of the sample that needs no GPU."""
    return list(yaml.safe_load_all((REPOSITORY / "manifests" / "samples" / "cpu.yaml").read_text(encoding="utf-8")))


def _values(operator: str, *, toolbox: str, variables: Mapping[str, str]) -> dict[str, Any]:
    repository, _, tag = operator.rpartition(":")
    engine = {
        "image": toolbox,
        "command": ["python3", "-m", "sglang.launch_server"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "engine": {"image": toolbox},
        "logLevel": "debug",
        # tests bypass the gateway to inject faults into engines
        "gateway": {"metricsNamespaces": [FIRST_NAMESPACE, QUEUE_NAMESPACE]},
        "gpuPools": {"overrides": {"a10": {"engine": engine}, "t4": {"engine": engine}}},
    }


def _helm_install(cluster: KindCluster, *, values: Mapping[str, Any]) -> None:
    program, verb, *shown = shlex.split(commands(first="helm install")[0])
    assert verb == "install", "the command in README.md, which also works on an existing installation"
    # The images of the tests take the place of the one that README.md builds.
    settings = {index + offset for index, word in enumerate(shown) if word == "--set" for offset in (0, 1)}
    kept = [word for index, word in enumerate(shown) if index not in settings]
    install = (program, "upgrade", "--install", *kept, "--timeout=4m", "--values=-")
    cluster.kubectl("delete", "secrets", f"--namespace={NAMESPACE}", f"--selector={UNFINISHED}")
    documented(cluster, [shlex.join(install)], stdin=json.dumps(values))


def documented(cluster: KindCluster, lines: Sequence[str], *, stdin: str | None = None) -> str:
    """Return what commands from a document print, run by a shell in the repository's folder; all must succeed."""
    with tempfile.TemporaryDirectory() as memory:
        # cached data of another cluster at the same address would mislead Helm
        homes = {f"HELM_{kind}_HOME": memory for kind in ("CACHE", "CONFIG", "DATA")}
        variables = {**homes, "KUBECACHEDIR": memory}
        within = Surroundings(folder=REPOSITORY, variables=variables, timeout_seconds=HELM_SECONDS)
        return run([*cluster.exec_prefix(), "bash", "-euc", "\n".join(lines)], stdin=stdin, within=within)


def _model_volume(name: str, *, namespace: str, path: str) -> list[dict[str, Any]]:
    size = "1Gi"
    shared = {"storageClassName": "", "accessModes": ["ReadOnlyMany"]}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "labels": {TEST_LABEL: "true"}},
            "spec": {
                **shared,
                "capacity": {"storage": size},
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": path, "type": "Directory"},
                "claimRef": {"namespace": namespace, "name": MODEL_CLAIM},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": MODEL_CLAIM, "namespace": namespace},
            "spec": {**shared, "volumeName": name, "resources": {"requests": {"storage": size}}},
        },
    ]
