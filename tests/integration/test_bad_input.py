"""Input that the schema accepts but the operator cannot use: a condition names it, and the last good state serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess
from testbed.harness.world import NAME, World, pool, service
from testbed.waiting import eventually, throughout

pytestmark = pytest.mark.cluster

GOOD: dict[str, Any] = service()["spec"]
KEPT_SECONDS = 3
HAND_OVER = {"scaleDown": {"stabilizationSeconds": 0, "maxPercentPerMinute": 100}}

NOWHERE_ALL_DAY = {
    "name": "always",
    "start": "00:00",
    "end": "24:00",
    "pools": [{"gpuPool": "nowhere", "minReplicas": 1, "maxReplicas": 1}],
}


def model(repo: str, **more: Any) -> dict[str, Any]:
    return {"model": {"huggingFace": {"repo": repo}, **more}}


BAD = {
    "a pool that does not exist in place of the good one": ({"pools": [pool("nowhere")]}, "GPUPoolNotFound"),
    "a pool that does not exist beside the good one": ({"pools": [pool("nowhere"), pool("a10")]}, "GPUPoolNotFound"),
    "a window on nothing but a pool that does not exist": (
        {"pools": [pool("a10"), pool("nowhere", least=0)], "schedule": {"windows": [NOWHERE_ALL_DAY]}},
        "GPUPoolNotFound",
    ),
    "bfloat16 on T4": (
        {"pools": [pool("a10"), pool("t4", least=0)], **model("Qwen/Qwen3-Embedding-0.6B", dtype="bfloat16")},
        "DtypeUnsupported",
    ),
    "a model that pools by mean": (model("sentence-transformers/all-MiniLM-L6-v2"), "UnsupportedPooling"),
    "an argument that the operator manages": ({"engine": {"args": ["--port", "1"]}}, "EngineArgumentRefused"),
    "a variable that the operator manages": (
        {"engine": {"env": [{"name": "HF_HOME", "value": "/elsewhere"}]}},
        "EngineArgumentRefused",
    ),
    "a model that does not fit": (
        {"pools": [pool("a10"), pool("t4", least=0)], **model("Qwen/Qwen3-Embedding-8B")},
        "ModelTooLarge",
    ),
    "dimensions that the model does not have": (
        model("Qwen/Qwen3-Embedding-0.6B", dimensions=[4096]),
        "InvalidSpec",
    ),
    "a quantisation without a kernel": (
        {"pools": [pool("a10"), pool("t4", least=0)], **model("Qwen/Qwen3-Embedding-0.6B", quantization="fp8")},
        "QuantizationUnsupported",
    ),
}


@pytest.mark.parametrize(("change", "reason"), BAD.values(), ids=list(BAD))
def test_bad_spec_stalls_while_the_last_good_one_serves(
    operator: OperatorProcess, world: World, change: dict[str, Any], reason: str
) -> None:
    world.apply(service(scaling=HAND_OVER))
    world.wait_until_serving()
    generation = deployment_generation(world)

    world.patch("embeddingservice", NAME, {"spec": change})
    eventually("the reason is named", lambda: world.condition("Stalled") == ("True", reason))
    throughout("the last good state serves", lambda: serves(world, generation=generation), seconds=KEPT_SECONDS)

    undone = {field: GOOD.get(field) for field in change}
    if "model" in undone:
        undone["model"] = {**GOOD["model"], "dtype": None, "quantization": None, "dimensions": None}
    world.patch("embeddingservice", NAME, {"spec": undone})
    eventually("rolled back, nothing is in the way", lambda: world.condition("Stalled") == ("False", "Progressing"))
    world.wait_until_serving()
    assert deployment_generation(world) == generation


def deployment_generation(world: World) -> int:
    deployment = world.get("deployment", f"{NAME}-a10")
    return -1 if deployment is None else int(deployment["metadata"]["generation"])


def serves(world: World, *, generation: int) -> bool:
    kept = deployment_generation(world) == generation and world.ready_pods() == 1
    return kept and world.condition("Ready")[0] == "True"


def test_name_of_a_child_that_belongs_to_another_owner(operator: OperatorProcess, world: World) -> None:
    labels = {"app": "foreign"}
    containers = [{"name": "main", "image": "example.com/foreign"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{NAME}-a10"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    world.apply(foreign)
    generation = deployment_generation(world)
    world.apply(service())
    eventually("the conflict is named", lambda: world.condition("Stalled") == ("True", "NameConflict"))
    assert deployment_generation(world) == generation
    assert world.get("networkpolicy", f"{NAME}-engines") is None, "nothing is half done"

    world.delete("deployment", f"{NAME}-a10")
    world.wait_until_serving()
    assert world.condition("Stalled") == ("False", "Progressing")


def test_quota_that_leaves_no_room(operator: OperatorProcess, world: World) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "one-pod"},
        "spec": {"hard": {"pods": "1"}},
    }
    world.apply(service())
    world.wait_until_serving()
    world.apply(quota)
    eventually("the quota counts", lambda: (world.get("resourcequota", "one-pod") or {}).get("status", {}).get("used"))

    world.patch("embeddingservice", NAME, {"spec": {"pools": [pool("a10", least=2)]}})
    eventually("the quota is named", lambda: world.condition("Stalled") == ("True", "QuotaExceeded"))
    assert world.ready_pods() == 1

    world.patch("embeddingservice", NAME, {"spec": {"pools": [pool("a10", least=1)]}})
    world.wait_until_serving()
    assert world.condition("Stalled") == ("False", "Progressing")


def test_admission_policy_that_refuses_a_child(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()
    with refused_deployments(world):
        world.patch("embeddingservice", NAME, {"spec": {"pools": [pool("a10", least=2)]}})
        eventually("the refusal is named", lambda: world.condition("Stalled") == ("True", "Forbidden"))
        assert REFUSAL in messages(world)["Stalled"]
        assert world.ready_pods() == 1

    eventually("two replicas", lambda: world.ready_pods() == 2, seconds=90)
    assert world.condition("Stalled") == ("False", "Progressing")


REFUSAL = "no change on Fridays"


@contextmanager
def refused_deployments(world: World) -> Iterator[None]:
    """Make the API server refuse every change of the spec of a Deployment in the namespace."""
    name = f"refuse-{world.namespace}"
    admission = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["deployments"],
    }
    policy = {
        **admission,
        "kind": "ValidatingAdmissionPolicy",
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.spec == oldObject.spec", "message": REFUSAL}],
        },
    }
    place = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    binding = {
        **admission,
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": place},
    }
    world.apply(policy, binding)
    try:
        eventually("the policy is in force", lambda: is_refused(world))
        yield
    finally:
        world.delete("validatingadmissionpolicybinding", name)
        world.delete("validatingadmissionpolicy", name)


def is_refused(world: World) -> bool:
    change = ("--type=merge", '--patch={"spec": {"minReadySeconds": 1}}', "--dry-run=server")
    try:
        kubectl("patch", "deployment", f"{NAME}-a10", f"--namespace={world.namespace}", *change)
    except AssertionError as error:
        return REFUSAL in str(error)
    return False


def test_other_autoscaler_on_a_managed_deployment(operator: OperatorProcess, world: World) -> None:
    world.apply(service())
    world.wait_until_serving()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{NAME}-a10"}
    world.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "other"},
            "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2},
        }
    )
    # the sweep finds other autoscalers once a minute, and first at the start
    operator.kill()
    operator.start_and_lead()
    eventually("the other is named", lambda: world.condition("ConflictingScaler") == ("True", "OtherScaler"))
    assert "HorizontalPodAutoscaler other" in messages(world)["ConflictingScaler"]

    world.delete("horizontalpodautoscaler", "other")
    operator.kill()
    operator.start_and_lead()
    eventually("it is gone", lambda: world.condition("ConflictingScaler") == ("False", "NoOtherScaler"))


def messages(world: World) -> dict[str, str]:
    return {each["type"]: each["message"] for each in world.status()["conditions"]}


def test_stall_says_which_field_and_what_to_do(operator: OperatorProcess, world: World) -> None:
    world.apply(service(pools=[pool("nowhere")]))
    eventually("the reason is named", lambda: world.condition("Stalled") == ("True", "GPUPoolNotFound"))
    message = messages(world)["Stalled"]
    assert "spec.pools" in message
    assert "there is no GPUPool nowhere: create it or use one of: a10, " in message
    assert world.condition("Ready")[0] == "False"
