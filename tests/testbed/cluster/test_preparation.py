"""What a job builds: only what it uses, and every item after its dependencies."""

import pytest

from testbed.cluster.docker_engine import DockerEngine
from testbed.cluster.plan import Item
from testbed.cluster.progress import Progress
from testbed.preparation import Plan

PRIVATE = DockerEngine(host="unix:///nowhere")
RUNNING = DockerEngine(host=None)


def _names(items: list[Item]) -> set[str]:
    """Return the programs and images that are fetched or built, by the first word after the verb."""
    return {item.title.split()[1] for item in items if item.title.startswith(("building ", "fetching "))}


def test_the_demo_builds_no_program_that_only_tests_use(progress: Progress) -> None:
    plan = Plan(PRIVATE, progress=progress)
    demo, tests = _names(plan.for_kind()), _names(plan.for_tests())
    assert {"kubernetes", "kubectl", "etcd", "kind", "helm"} <= demo
    assert tests - demo == {"kwok", "kubeconform"}
    assert "keda" not in demo | tests


def test_with_public_images_the_demo_builds_no_kubernetes(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerEngine, "has_or_pulls", lambda *_, **__: True)
    items = Plan(RUNNING, progress=progress).for_kind()
    assert _names(items) >= {"kind", "kubectl", "helm"}
    of_nodes = ("kubernetes", "etcd", "root file system", "node image")
    assert not [item.title for item in items for name in of_nodes if name in item.title]


def test_every_item_comes_after_what_it_is_made_from(progress: Progress) -> None:
    plan = Plan(PRIVATE, progress=progress)
    for items in (plan.for_kind(), [*plan.for_tests(), *plan.for_kind()]):
        seen: set[str] = set()
        titles = {item.title for item in items}
        for item in items:
            assert set(item.after) & titles <= seen, f"{item.title} is listed before what it is made from"
            seen.add(item.title)
