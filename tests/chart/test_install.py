"""The chart and the manifests on a real API server: install, upgrade, uninstall.

Runs only on the control plane: every test begins and ends without the project's CRDs.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES

from tests.chart.rendering import CHART, NAMESPACE, RELEASE, REPOSITORY, VARIANTS, Render
from tests.chart.test_pools import CATALOG

pytestmark = pytest.mark.cluster

CRDS = [resource.crd_name for resource in CUSTOM_RESOURCES]
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
WATCHED = ("search", "recommendations")
DRY = ("--dry-run=client", "--output=yaml")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs helm and kubectl with their own caches: cached data of an earlier API server would mislead them."""

    helm_program: Path
    kubectl_program: str
    variables: dict[str, str]

    def helm(self, *arguments: str) -> str:
        return self._run(str(self.helm_program), *arguments, f"--namespace={NAMESPACE}")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self._run(self.kubectl_program, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def may(self, user: str, *question: str) -> bool:
        command = [self.kubectl_program, "auth", "can-i", *question, f"--as={user}", "--quiet"]
        return subprocess.run(command, env=self.variables, check=False, timeout=60).returncode == 0

    def _run(self, *command: str, stdin: str | None = None) -> str:
        finished = subprocess.run(
            command, env=self.variables, input=stdin, capture_output=True, text=True, check=False, timeout=360
        )
        assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stderr}"
        return finished.stdout


@pytest.fixture
def shell(helm: Path, tmp_path: Path) -> Iterator[Shell]:
    """Yield a shell on a cluster without CRDs; existing ones are restored afterwards."""
    if os.environ.get("EMBEDDING_OPERATOR_CLUSTER") != "control-plane":
        pytest.fail(
            "run this with `python -m testbed.cluster exec control-plane -- pytest`: it removes the project's CRDs"
        )
    folders = {f"HELM_{kind}_HOME": str(tmp_path / "helm") for kind in ("CACHE", "CONFIG", "DATA")}
    variables = {**os.environ, **folders, "KUBECACHEDIR": str(tmp_path / "kube")}
    kubectl = shutil.which("kubectl")
    assert kubectl is not None
    shell = Shell(helm, kubectl, variables)
    before = shell.kubectl("get", "crd", "--ignore-not-found", "--output=name", *CRDS)
    clear(shell)
    yield shell
    clear(shell)
    if before:
        shell.kubectl("apply", "--server-side", f"--filename={REPOSITORY / 'crds'}")
        shell.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", *CRDS)


def clear(shell: Shell) -> None:
    shell.helm("uninstall", RELEASE, "--ignore-not-found", "--wait")
    confirm_deletion(shell)
    # If objects of a CRD were just created, the API server gives up deleting them after a minute and tries again.
    shell.kubectl("delete", "crd", "--ignore-not-found", "--timeout=300s", *CRDS)


def confirm_deletion(shell: Shell) -> None:
    """Tell the policy that the CRDs may go; the API server applies it for a moment after it is deleted, too."""
    existing = shell.kubectl("get", "crd", "--ignore-not-found", "--output=name", *CRDS).split()
    if existing:
        shell.kubectl("annotate", "--overwrite", *existing, "embedding-operator.io/confirm-deletion=true")


@pytest.fixture
def install(shell: Shell) -> Callable[..., str]:
    """Return a function that installs the release as documented, but without operator pods: no node can run one."""

    def run(*options: str) -> str:
        return shell.helm("install", RELEASE, str(CHART), "--create-namespace", "--wait", "--set=replicas=0", *options)

    return run


@pytest.fixture
def upgrade(shell: Shell) -> Callable[..., str]:
    """Return a function that upgrades the release without waiting: a GPUPool becomes ready only with an operator."""

    def run(*options: str) -> str:
        return shell.helm("upgrade", RELEASE, str(CHART), "--set=replicas=0", *options)

    return run


def namespace_named(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pools(shell: Shell) -> dict[str, Any]:
    return {body["metadata"]["name"]: body for body in shell.get("gpupools")["items"]}


def test_a_fresh_cluster_gets_everything_in_one_step(shell: Shell, install: Callable[..., str]) -> None:
    shell.helm("install", RELEASE, str(CHART), "--dry-run=server", "--create-namespace")
    notes = install()
    assert f"kubectl --namespace {NAMESPACE} rollout status deployment/{RELEASE}" in notes
    assert pools(shell).keys() == CATALOG.keys()
    shell.kubectl("wait", "--for=condition=Established", "--timeout=1s", "crd", *CRDS)


def test_an_upgrade_takes_the_pools_into_the_release(
    shell: Shell, install: Callable[..., str], upgrade: Callable[..., str]
) -> None:
    install()
    before = {name: body["metadata"]["uid"] for name, body in pools(shell).items()}
    upgrade("--set=gpuPools.overrides.t4.memoryGiB=12", "--set-string=crds.annotations.note=seen")
    after = pools(shell)
    assert {name: body["metadata"]["uid"] for name, body in after.items()} == before
    assert after["t4"]["spec"]["memoryGiB"] == 12
    assert shell.helm("get", "manifest", RELEASE).count("\nkind: GPUPool\n") == len(CATALOG)
    assert shell.get("crd", CRDS[0])["metadata"]["annotations"]["note"] == "seen"


def test_a_pool_that_an_admin_has_edited_is_left_alone(
    shell: Shell, install: Callable[..., str], upgrade: Callable[..., str]
) -> None:
    install()
    shell.kubectl("patch", "gpupool", "t4", "--type=merge", '--patch={"spec":{"memoryGiB":11}}')
    for _ in range(2):
        upgrade("--set=gpuPools.overrides.t4.memoryGiB=12", "--set=gpuPools.overrides.a10.memoryGiB=21")
        assert pools(shell)["t4"]["spec"]["memoryGiB"] == 11
        assert pools(shell)["a10"]["spec"]["memoryGiB"] == 21


def test_status_written_by_the_operator_is_no_edit(
    shell: Shell, install: Callable[..., str], upgrade: Callable[..., str]
) -> None:
    install()
    status = {"apiVersion": "embedding-operator.io/v1alpha1", "kind": "GPUPool", "metadata": {"name": "t4"}}
    shell.kubectl(
        "apply",
        "--server-side",
        "--subresource=status",
        "--field-manager=embedding-operator",
        "--filename=-",
        stdin=json.dumps(status | {"status": {"nodes": 3}}),
    )
    upgrade("--set=gpuPools.overrides.t4.memoryGiB=12")
    t4 = pools(shell)["t4"]
    assert (t4["spec"]["memoryGiB"], t4["status"]["nodes"]) == (12, 3)


def test_uninstall_leaves_what_users_made(shell: Shell, install: Callable[..., str]) -> None:
    install()
    sample = REPOSITORY / "manifests/samples/embeddingservice.yaml"
    shell.kubectl("apply", f"--namespace={NAMESPACE}", f"--filename={sample}")
    shell.helm("uninstall", RELEASE, "--wait")
    assert [body["metadata"]["name"] for body in shell.get("embeddingservices", "--all-namespaces")["items"]] == [
        "qwen3-embedding"
    ]
    assert pools(shell).keys() == CATALOG.keys()
    assert shell.kubectl("get", "clusterrole", "--ignore-not-found", RELEASE) == ""
    # Gateways serve on, and need their role whenever one of their pods starts.
    assert shell.kubectl("get", "clusterrole", f"{RELEASE}-gateway", "--output=name") != ""
    install()
    assert pools(shell).keys() == CATALOG.keys()


def test_every_variant_is_valid_to_the_api_server(shell: Shell, install: Callable[..., str], rendered: Render) -> None:
    install()
    for namespace in WATCHED:
        shell.kubectl("apply", "--filename=-", stdin=json.dumps(namespace_named(namespace)))
    for name in VARIANTS:
        # PodMonitor is a kind of the Prometheus Operator, which is not installed here.
        objects = [body for body in rendered(name).objects if body["kind"] != "PodMonitor"]
        shell.kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "--filename=-",
            stdin=yaml.safe_dump_all(objects),
        )


def test_pods_are_admitted_where_only_restricted_ones_are(
    shell: Shell, install: Callable[..., str], rendered: Render
) -> None:
    install()
    shell.kubectl("label", "namespace", NAMESPACE, "--overwrite", RESTRICTED)
    for name in ("default", "ha"):
        template = rendered(name).one("Deployment")["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": {**template["spec"]}}
        shell.kubectl("create", "--dry-run=server", f"--namespace={NAMESPACE}", "--filename=-", stdin=json.dumps(pod))


def test_manifests_install_without_helm(shell: Shell) -> None:
    manifests = REPOSITORY / "manifests"
    shell.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s")
    shell.kubectl("apply", "--server-side", f"--filename={manifests / 'install.yaml'}")
    shell.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", *CRDS)
    shell.kubectl("apply", "--server-side", f"--filename={manifests / 'gpupools.yaml'}")
    assert pools(shell).keys() == CATALOG.keys()
    for sample in sorted((manifests / "samples").glob("*.yaml")):
        shell.kubectl(
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            f"--namespace={NAMESPACE}",
            f"--filename={sample}",
        )
    confirm_deletion(shell)
    # The namespace goes first, and takes objects along that would be deleted by name.
    shell.kubectl("delete", "--ignore-not-found", "--timeout=60s", f"--filename={manifests / 'install.yaml'}")


def test_the_api_server_agrees_on_rights(shell: Shell, install: Callable[..., str]) -> None:
    install()
    for role in ("view", "edit", "admin"):
        shell.kubectl(
            "create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}", f"--namespace={NAMESPACE}"
        )
    here, everywhere = f"--namespace={NAMESPACE}", "--all-namespaces"
    assert shell.may(ACCOUNT, "watch", "embeddingservices.embedding-operator.io", everywhere)
    assert shell.may(ACCOUNT, "patch", "gpupools.embedding-operator.io", "--subresource=status")
    assert shell.may(ACCOUNT, "update", f"leases.coordination.k8s.io/{RELEASE}", here)
    assert not shell.may(ACCOUNT, "update", "leases.coordination.k8s.io/other", here)
    assert not shell.may(ACCOUNT, "get", "leases.coordination.k8s.io", "--namespace=default")
    assert not shell.may(ACCOUNT, "patch", "embeddingservices.embedding-operator.io", here)
    assert not shell.may(ACCOUNT, "get", "secrets", here)
    assert shell.may("edit", "create", "embeddingservices.embedding-operator.io", here)
    assert shell.may("view", "get", "embeddingservices.embedding-operator.io", here)
    assert not shell.may("view", "create", "embeddingservices.embedding-operator.io", here)
    assert not shell.may("edit", "create", "scalingschedules.embedding-operator.io")
    assert not shell.may("admin", "create", "gpupools.embedding-operator.io")
