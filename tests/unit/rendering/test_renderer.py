"""Properties of every service that the schema accepts, and how the parts of a pod are combined."""

import re
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.admission.checks import problems
from embedding_operator.domain.capacity.estimate import replica_capacity
from embedding_operator.domain.gateway_routing import ENGINES_ONLY, Route
from embedding_operator.domain.model.engine_arguments import parse
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.renderer import EngineDefaults, ServiceRef, render_service
from hypothesis import given
from hypothesis import strategies as st

from tests.chart.pod_security import restricted_violations
from tests.golden import cases
from tests.unit.rendering.specs import POOL_NAMES, pool_maps, service_names, service_specs

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
OBJECT_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
Pools = dict[str, GPUPoolSpec]


def rendered(
    spec: EmbeddingServiceSpec,
    pools: Pools,
    *,
    name: str = "search",
    uid: str = "uid",
    replicas: int = 1,
    route: Route = ENGINES_ONLY,
) -> tuple[Manifest, ...]:
    return render_service(
        ServiceRef(namespace="team", name=name, uid=uid),
        spec,
        pools=pools,
        replicas=dict.fromkeys(POOL_NAMES, replicas),
        route=route,
        settings=EngineDefaults(image="engine:1"),
        gateway=cases.GATEWAY,
    )


def deployments(manifests: tuple[Manifest, ...]) -> dict[str, dict[str, Any]]:
    return {manifest.name: manifest.body for manifest in manifests if manifest.kind == "Deployment"}


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def expanded(text: str) -> str:
    """Return an argument as Kubernetes expands it; it must not contain a reference to a variable."""
    assert not re.search(r"(?<!\$)(\$\$)*\$\(", text)
    return text.replace("$$", "$")


@given(spec=service_specs(), pools=pool_maps())
def test_every_service_gets_an_answer(spec: EmbeddingServiceSpec, pools: Pools) -> None:
    problems(spec, pools=pools)
    for name in POOL_NAMES:
        assert replica_capacity(spec, pool=name, gpu=pools.get(name)).tokens_per_second > 0
    usable = [entry.gpu_pool for entry in spec.pools if entry.gpu_pool in pools]
    kinds = [manifest.kind for manifest in rendered(spec, pools)]
    assert kinds == ["Deployment"] * len(usable) + ["Service", "PodDisruptionBudget"]


@given(spec=service_specs(), pools=pool_maps())
def test_pods_are_restricted_unless_an_admin_mounts_the_host(spec: EmbeddingServiceSpec, pools: Pools) -> None:
    for name, deployment in deployments(rendered(spec, pools)).items():
        by_admin = [str(volume) for volume in pools[name.removeprefix("search-")].engine.volumes]
        pod = pod_of(deployment)
        # Image volumes are newer than the standard's list, and read-only.
        pod["volumes"] = [each for each in pod["volumes"] if str(each) not in by_admin and "image" not in each]
        assert restricted_violations(pod) == []
        assert pod["automountServiceAccountToken"] is False
        assert "serviceAccountName" not in pod


@given(name=service_names, spec=service_specs(), pools=pool_maps())
def test_names_and_labels_are_valid_and_find_the_pods(name: str, spec: EmbeddingServiceSpec, pools: Pools) -> None:
    manifests = rendered(spec, pools, name=name)
    (budget,) = [manifest.body for manifest in manifests if manifest.kind == "PodDisruptionBudget"]
    (service,) = [manifest.body for manifest in manifests if manifest.kind == "Service"]
    for manifest in manifests:
        assert OBJECT_NAME.fullmatch(manifest.name)
        assert all(LABEL_VALUE.fullmatch(value) for value in manifest.body["metadata"]["labels"].values())
    for deployment in deployments(manifests).values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert all(LABEL_VALUE.fullmatch(value) for value in labels.values())
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert service["spec"]["selector"].items() <= labels.items()
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


@given(spec=service_specs(), pools=pool_maps())
def test_the_engine_gets_every_option_once_and_its_own_ones_unchanged(spec: EmbeddingServiceSpec, pools: Pools) -> None:
    for deployment in deployments(rendered(spec, pools)).values():
        arguments = parse(map(expanded, pod_of(deployment)["containers"][0]["args"]))
        values = {argument.flag: argument.values for argument in arguments}
        assert len(values) == len(arguments)
        assert values["--served-model-name"] == (spec.model.served_name or "search",)
        assert values["--port"] == ("30000",)
        if spec.model.hugging_face is not None:
            assert values["--revision"] == (spec.model.hugging_face.revision,)


@given(spec=service_specs(), pools=pool_maps())
def test_texts_reach_the_pod_unchanged(spec: EmbeddingServiceSpec, pools: Pools) -> None:
    for deployment in deployments(rendered(spec, pools)).values():
        pod, wanted = pod_of(deployment), spec.pod_template
        assert pod.get("affinity") == wanted.affinity
        assert pod.get("priorityClassName") == wanted.priority_class_name
        assert deployment["spec"]["template"]["metadata"]["annotations"] == wanted.metadata.annotations
        (container,) = pod["containers"]
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names))
        assert "PROMETHEUS_MULTIPROC_DIR" not in names
        if spec.engine.image is not None:
            assert container["image"] == spec.engine.image


@given(spec=service_specs(), pools=pool_maps(), order=st.randoms(use_true_random=False))
def test_only_what_matters_to_pods_rolls_them(spec: EmbeddingServiceSpec, pools: Pools, order: Any) -> None:
    shuffled = list(spec.pools)
    order.shuffle(shuffled)
    other = spec.model_copy(update={"pools": shuffled})
    before = deployments(rendered(spec, pools))
    after = deployments(rendered(other, pools, uid="another", replicas=7))
    assert {name: body["spec"]["template"] for name, body in before.items()} == {
        name: body["spec"]["template"] for name, body in after.items()
    }


@given(spec=service_specs(), pools=pool_maps())
def test_equal_input_gives_equal_digests(spec: EmbeddingServiceSpec, pools: Pools) -> None:
    again = EmbeddingServiceSpec.model_validate(spec.model_dump(by_alias=True, mode="json"))
    assert rendered(spec, pools) == rendered(again, pools)


def test_the_digest_changes_with_the_document_only() -> None:
    first = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}}
    assert Manifest.of(dict(reversed(first.items()))).digest == Manifest.of(first).digest
    assert Manifest.of({**first, "spec": {}}).digest != Manifest.of(first).digest


@pytest.mark.parametrize("name", cases.NAMES)
def test_every_child_is_owned_by_its_service(name: str) -> None:
    case = cases.load(name)
    for manifest in case.render():
        assert manifest.namespace == "search"
        (owner,) = manifest.body["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == (
            "EmbeddingService",
            case.service.name,
            case.service.uid,
        )
        assert owner["controller"] is True
        assert owner["blockOwnerDeletion"] is True


def test_the_platform_may_give_pods_their_user() -> None:
    case = cases.load("smallest")
    deployment, *_ = render_service(
        case.service,
        case.spec,
        pools=case.pools,
        replicas={},
        route=ENGINES_ONLY,
        settings=EngineDefaults(image="x", user=None),
        gateway=cases.GATEWAY,
    )
    assert deployment.body["spec"]["replicas"] == 0
    security = pod_of(deployment.body)["securityContext"]
    assert security == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_the_image_of_the_service_goes_before_that_of_the_pool() -> None:
    case = cases.load("smallest")
    pool = cases.load("cpu-engine").pools["cpu"]
    images = {
        image: deployments(
            rendered(
                case.spec.model_copy(update={"engine": case.spec.engine.model_copy(update={"image": image})}),
                {"a10": pool},
            )
        )["search-a10"]
        for image in ("mine", None)
    }
    assert pod_of(images["mine"])["containers"][0]["image"] == "mine"
    assert pod_of(images[None])["containers"][0]["image"] == "docker.io/library/python-base:bookworm"
