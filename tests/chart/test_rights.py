"""The permissions of the operator and its users: exactly these."""

from collections.abc import Iterable

import pytest
from embedding_operator.kube.resources import CHILDREN, CUSTOM

from tests.chart.rendering import NAMESPACE, RELEASE, VARIANTS, Body, Render, environment

OWN = "embedding-operator.io"
CHILD = {"get", "list", "watch", "create", "patch", "delete"}
READ = {"get", "list", "watch"}

RBAC = "rbac.authorization.k8s.io"

IN_NAMESPACES = {
    (OWN, "embeddingservices"): READ,
    (OWN, "embeddingservices/status"): {"patch"},
    (OWN, "embeddingservices/finalizers"): {"update"},
    ("apps", "deployments"): CHILD,
    ("", "services"): CHILD,
    ("", "configmaps"): CHILD,
    ("", "serviceaccounts"): CHILD,
    ("networking.k8s.io", "networkpolicies"): CHILD,
    (RBAC, "rolebindings"): CHILD,
    (RBAC, "clusterroles"): {"bind"},
    ("policy", "poddisruptionbudgets"): CHILD,
    ("", "pods"): READ | {"patch"},
    ("autoscaling", "horizontalpodautoscalers"): {"list"},
    ("keda.sh", "scaledobjects"): {"list"},
    ("events.k8s.io", "events"): {"create", "patch"},
}
CLUSTER_WIDE = {
    (OWN, "gpupools"): READ,
    (OWN, "scalingschedules"): READ,
    (OWN, "gpupools/status"): {"patch"},
    (OWN, "scalingschedules/status"): {"patch"},
    ("", "namespaces"): {"list", "watch"},
    ("", "nodes"): {"list", "watch"},
}
NOT_RESOURCES = {"/.well-known/openid-configuration": {"get"}, "/openid/v1/jwks": {"get"}}
LEASE = {("coordination.k8s.io", "leases"): {"create", "get", "update"}}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}

Rights = dict[tuple[str, str], set[str]]


def granted(rules: Iterable[Body]) -> Rights:
    rights: Rights = {}
    for rule in rules:
        for group in rule.get("apiGroups", ()):
            for resource in rule["resources"]:
                rights.setdefault((group, resource), set()).update(rule["verbs"])
    return rights


def test_the_operator_may_do_what_it_does_everywhere(rendered: Render) -> None:
    role = rendered("default").one("ClusterRole")
    assert granted(role["rules"]) == IN_NAMESPACES | CLUSTER_WIDE
    paths = {path: set(rule["verbs"]) for rule in role["rules"] for path in rule.get("nonResourceURLs", ())}
    assert paths == NOT_RESOURCES


def test_the_kinds_of_the_code_are_the_kinds_of_the_role(rendered: Render) -> None:
    rights = granted(rendered("default").one("ClusterRole")["rules"])
    for child in CHILDREN:
        assert rights[child.group, child.plural] == CHILD
    for custom in CUSTOM:
        assert rights[custom.group, custom.plural] == READ
        assert rights[custom.group, f"{custom.plural}/status"] == {"patch"}
    assert {child.plural for child in CHILDREN} == {kind for (_, kind), verbs in rights.items() if verbs == CHILD}


def test_rights_on_workloads_are_limited_to_watched_namespaces(rendered: Render) -> None:
    rendering = rendered("namespaced")
    assert granted(rendering.one("ClusterRole")["rules"]) == CLUSTER_WIDE
    roles = [role for role in rendering.of_kind("Role") if role["metadata"]["name"] == RELEASE]
    bindings = [binding for binding in rendering.of_kind("RoleBinding") if binding["metadata"]["name"] == RELEASE]
    assert {role["metadata"]["namespace"] for role in roles} == {"recommendations", "search"}
    assert {binding["metadata"]["namespace"] for binding in bindings} == {"recommendations", "search"}
    assert all(granted(role["rules"]) == IN_NAMESPACES for role in roles)


def test_the_lease_is_the_only_object_of_its_own_namespace(rendered: Render) -> None:
    role = rendered("default").one("Role", f"{RELEASE}-lease")
    assert role["metadata"]["namespace"] == NAMESPACE
    assert granted(role["rules"]) == LEASE
    by_name = {tuple(rule["verbs"]): rule.get("resourceNames") for rule in role["rules"]}
    assert by_name == {("create",): None, ("get", "update"): [RELEASE]}
    assert rendered("no-crds").of_kind("Role") == []


@pytest.mark.parametrize("name", VARIANTS)
def test_nothing_is_granted_that_leads_to_more(rendered: Render, name: str) -> None:
    rendering = rendered(name)
    for role in [*rendering.of_kind("ClusterRole"), *rendering.of_kind("Role")]:
        for (group, resource), verbs in granted(role["rules"]).items():
            assert "*" not in {group, resource, *verbs}, role
            assert not {"escalate", "impersonate"} & verbs, role
            assert resource not in {"secrets", "pods/exec", "serviceaccounts/token"}, role


@pytest.mark.parametrize("name", VARIANTS)
def test_the_only_role_that_can_be_passed_on_reads_endpoints(rendered: Render, name: str) -> None:
    rendering = rendered(name)
    rules = [rule for role in [*rendering.of_kind("ClusterRole"), *rendering.of_kind("Role")] for rule in role["rules"]]
    passed_on = [rule for rule in rules if "bind" in rule["verbs"]]
    assert passed_on
    for rule in passed_on:
        assert (rule["apiGroups"], rule["resources"]) == ([RBAC], ["clusterroles"])
        (role,) = rule["resourceNames"]
        assert granted(rendering.one("ClusterRole", role)["rules"]) == {("discovery.k8s.io", "endpointslices"): READ}


def test_the_operator_names_the_role_that_it_may_bind(rendered: Render) -> None:
    for name in VARIANTS:
        rendering = rendered(name)
        rendering.one("ClusterRole", environment(rendering)["EMBEDDING_OPERATOR_GATEWAY_CLUSTER_ROLE"])


@pytest.mark.parametrize("name", VARIANTS)
def test_every_binding_is_for_the_account_of_the_pod(rendered: Render, name: str) -> None:
    rendering = rendered(name)
    account = rendering.one("Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    for binding in [*rendering.of_kind("ClusterRoleBinding"), *rendering.of_kind("RoleBinding")]:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]


def test_users_get_rights_through_the_roles_of_kubernetes(rendered: Render) -> None:
    rendering = rendered("default")
    expected: dict[str, Rights] = {
        "view": {(OWN, kind): READ for kind in ("embeddingservices", "gpupools", "scalingschedules")},
        "edit": {(OWN, "embeddingservices"): WRITE},
        "admin": {(OWN, kind): WRITE for kind in ("gpupools", "scalingschedules")},
    }
    for role, rights in expected.items():
        body = rendering.one("ClusterRole", f"{RELEASE}-{role}")
        labels = {key for key in body["metadata"]["labels"] if key.startswith("rbac.authorization.k8s.io/")}
        assert labels == {f"rbac.authorization.k8s.io/aggregate-to-{role}"}
        assert granted(body["rules"]) == rights
    assert rendered("namespaced").from_template("aggregate-roles.yaml") == []
