"""The chart's admission policies on a real API server.

What tenants may run, what the operator may write, and that no CRD is deleted by mistake.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES
from embedding_operator.kube.metadata import DELETION_COST

from testbed.harness.kubectl import SECONDS, kubectl
from testbed.waiting import eventually
from tests.chart.rendering import CHART
from tests.contract.kube.objects import unique
from tools.generate.helm import ensure_helm, render

pytestmark = pytest.mark.cluster

Body = dict[str, Any]

CONFIRM = "embedding-operator.io/confirm-deletion"
ALL_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRDS = [resource.crd_name for resource in CUSTOM_RESOURCES]

MANAGED = {"app.kubernetes.io/managed-by": "embedding-operator"}
CONTROLLER = {
    "apiVersion": "embedding-operator.io/v1alpha1",
    "kind": "EmbeddingService",
    "name": "demo",
    "uid": "6a8f0c2e-0000-4000-8000-000000000000",
    "controller": True,
}
OWNED: Body = {"labels": MANAGED, "ownerReferences": [CONTROLLER]}


@dataclass(frozen=True, slots=True)
class Installation:
    """The policies of a release in a namespace of their own; the operator's account may otherwise do anything."""

    name: str

    @property
    def operator(self) -> str:
        return f"--as=system:serviceaccount:{self.name}:{self.name}"

    def refusal(self, *arguments: str, body: Body | None = None) -> str:
        """Return why kubectl with `arguments` is refused in the namespace, empty if it is not."""
        finished = subprocess.run(
            ["kubectl", f"--namespace={self.name}", f"--request-timeout={SECONDS}s", *arguments],
            input="" if body is None else json.dumps(body),
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * SECONDS,
        )
        return finished.stderr if finished.returncode else ""

    def of_operator(self, *arguments: str, body: Body | None = None) -> str:
        """Return why the operator is refused, empty if it is not."""
        return self.refusal(self.operator, *arguments, body=body)


def config_map(name: str, **metadata: Any) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def service(**spec: Any) -> Body:
    model = {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}}
    return {
        "apiVersion": "embedding-operator.io/v1alpha1",
        "kind": "EmbeddingService",
        "metadata": {"name": "demo"},
        "spec": {"model": model, "pools": [{"gpuPool": "a10", "maxReplicas": 1}], **spec},
    }


@pytest.fixture(scope="module")
def installation(crds: Path) -> Iterator[Installation]:
    installed = Installation(unique("policies"))
    name = installed.name
    settings = [f"fullnameOverride={name}", "tenants.allowedImages={registry.example.com/}"]
    settings += ["tenants.trustRemoteCode=false"]
    documents = render(ensure_helm(), chart=CHART, release=name, namespace=name, settings=settings)
    policies = [yaml.safe_load(each.text) for each in documents if each.template.endswith("-policy.yaml")]
    assert len(policies) == 6
    all_rights = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": name}],
    }
    kubectl("create", "namespace", name)
    kubectl("apply", "--server-side", "--filename=-", documents=[*policies, all_rights])
    stranger = config_map("stranger")
    kubectl(f"--namespace={name}", "create", "--filename=-", documents=[stranger])
    dry = ("--dry-run=server", "create", "--filename=-")
    eventually("a foreign object is refused", lambda: installed.of_operator(*dry, body=config_map("other")))
    eventually(
        "the deletion of a CRD is refused", lambda: installed.refusal("delete", "crd", CRDS[0], "--dry-run=server")
    )
    eventually(
        "a foreign image is refused",
        lambda: "registry.example.com" in installed.refusal(*dry, body=service(engine={"image": "docker.io/x"})),
    )
    yield installed
    kubectl("delete", "clusterrolebinding", name)
    for body in policies:
        kubectl("delete", body["kind"], body["metadata"]["name"])
    kubectl("delete", "namespace", name, "--wait=false")


def test_the_types_of_every_expression_are_right(installation: Installation) -> None:
    def checked() -> list[Body]:
        names = [f"{installation.name}-{part}" for part in ("crds", "operator", "tenants")]
        found = json.loads(kubectl("get", "validatingadmissionpolicy", *names, "--output=json"))["items"]
        return [body["status"] for body in found if "typeChecking" in body.get("status", {})]

    statuses = eventually("the API server has checked the types", lambda: checked() if len(checked()) == 3 else [])
    assert [status["typeChecking"].get("expressionWarnings") for status in statuses] == [None, None, None]


def test_tenants_run_what_admins_allow(installation: Installation) -> None:
    dry = ("--dry-run=server", "create", "--filename=-")
    for spec, said in (
        ({"engine": {"image": "registry.example.com.evil/x"}}, "spec.engine.image must begin with one of"),
        ({"model": {"image": {"reference": "docker.io/x"}}}, "spec.model.image.reference must begin with one of"),
        ({"model": {"huggingFace": {"repo": "a/b"}, "trustRemoteCode": True}}, "does not run code"),
    ):
        assert said in installation.refusal(*dry, body=service(**spec))
    assert installation.refusal(*dry, body=service()) == ""
    assert installation.refusal(*dry, body=service(engine={"image": "registry.example.com/sglang:1"})) == ""


def test_the_operator_creates_changes_and_deletes_what_services_own(installation: Installation) -> None:
    apply = ("apply", "--server-side", "--filename=-")
    assert installation.of_operator(*apply, body=config_map("own", **OWNED)) == ""
    assert installation.of_operator(*apply, body={**config_map("own", **OWNED), "data": {"a": "b"}}) == ""
    # The garbage collector may have been faster: the stated owner does not exist.
    assert installation.of_operator("delete", "configmap", "own", "--ignore-not-found") == ""
    for metadata in ({}, {"labels": MANAGED}, {"ownerReferences": [CONTROLLER]}):
        assert "the operator writes only" in installation.of_operator(*apply, body=config_map("new", **metadata))


def test_the_operator_touches_nothing_else(installation: Installation) -> None:
    assert "changes and deletes only" in installation.of_operator("delete", "configmap", "stranger")
    taken = installation.of_operator("apply", "--server-side", "--filename=-", body=config_map("stranger", **OWNED))
    assert "changes and deletes only" in taken
    patch = ("patch", "configmap", "stranger", "--type=merge", '--patch={"data":{"a":"b"}}')
    assert installation.of_operator(*patch) != ""
    assert installation.refusal(*patch, "--dry-run=server") == "", "others are not confined"


def test_the_operator_binds_only_the_role_of_gateways(installation: Installation) -> None:
    def binding(role: str, namespace: str = installation.name) -> Body:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "demo-gateway", **OWNED},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "demo-gateway", "namespace": namespace}],
        }

    dry = ("--dry-run=server", "create", "--filename=-")
    own = f"{installation.name}-gateway"
    assert "binds only" in installation.of_operator(*dry, body=binding("cluster-admin"))
    assert "binds only" in installation.of_operator(*dry, body=binding(own, namespace="kube-system"))
    # The role itself is not part of this installation: a binding to it is all right as far as the policy goes.
    assert "binds only" not in installation.of_operator(*dry, body=binding(own))


def test_the_operator_changes_nothing_of_a_pod_but_its_deletion_cost(installation: Installation) -> None:
    container = {"name": "engine", "image": "registry.example.com/x"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "demo", "labels": MANAGED, "annotations": {"kept": "yes"}},
        "spec": {"containers": [container]},
    }
    assert "nothing of a pod" in installation.of_operator("create", "--filename=-", body=pod)
    assert eventually("a pod can be created", lambda: installation.refusal("create", "--filename=-", body=pod) == "")
    assert installation.of_operator("annotate", "pod", "demo", f"{DELETION_COST}=-1") == ""
    assert installation.of_operator("annotate", "pod", "demo", f"{DELETION_COST}-") == ""
    for change in (("annotate", "pod", "demo", "other=1"), ("annotate", "pod", "demo", "kept-")):
        assert "nothing of a pod" in installation.of_operator(*change)
    image = '--patch={"spec":{"containers":[{"name":"engine","image":"mine"}]}}'
    assert "nothing of a pod" in installation.of_operator("patch", "pod", "demo", image)
    assert "nothing of a pod" in installation.of_operator("label", "pod", "demo", "more=1")
    assert "nothing of a pod" in installation.of_operator("delete", "pod", "demo")


def test_a_crd_is_deleted_only_if_its_annotation_confirms_that(installation: Installation) -> None:
    # The real CRDs, so everything is a dry run; nothing but the policy would refuse it.
    dry = "--dry-run=server"
    for crd in CRDS:
        said = installation.refusal("delete", "crd", crd, dry)
        assert "in the cluster" in said
        assert f"kubectl annotate crd {crd} {CONFIRM}=true" in said
        every = f"{ALL_CRDS}?dryRun=All&fieldSelector=metadata.name={crd}"
        assert CONFIRM in installation.refusal("delete", "--raw", every)
    assert "all their engines, gateways and addresses" in installation.refusal("delete", "crd", CRDS[0], dry)
    other = crd_of("example.com")
    kubectl("create", "--filename=-", documents=[other])
    assert installation.refusal("delete", "crd", other["metadata"]["name"]) == "", "others are not protected"


def test_the_annotation_must_be_true(installation: Installation) -> None:
    crd = crd_of("embedding-operator.io")
    name = crd["metadata"]["name"]
    kubectl("create", "--filename=-", documents=[crd])
    kubectl("annotate", "crd", name, f"{CONFIRM}=false")
    assert CONFIRM in installation.refusal("delete", "crd", name)
    kubectl("annotate", "--overwrite", "crd", name, f"{CONFIRM}=true")
    assert installation.refusal("delete", "crd", name) == ""


def crd_of(group: str) -> Body:
    plural = unique("things")
    names = {"plural": plural, "kind": plural.title().replace("-", "")}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
