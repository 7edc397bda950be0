"""What a service consists of, without what differs between two equal services."""

import json
import re
from typing import Any

from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.kube.resources import CHILDREN

from testbed.harness.kubectl import kubectl
from testbed.harness.world import NAME, World, service
from testbed.waiting import eventually

TWIN = "twins"
ASSIGNED = ("clusterIP", "clusterIPs")
KINDS = ",".join(resource.qualified for resource in CHILDREN)


def shape(world: World, name: str) -> dict[str, Any]:
    """Return the spec of every child of a service by kind and name, with the service's own name left out."""
    listed = json.loads(kubectl("get", KINDS, f"--namespace={world.namespace}", f"-l={MANAGED_SELECTOR}", "-o=json"))
    found = {}
    for child in listed["items"]:
        owner = child["metadata"]["ownerReferences"][0]["name"]
        if owner == name:
            written = {key: child[key] for key in ("spec", "data", "rules", "roleRef", "subjects") if key in child}
            for key in ASSIGNED:
                written.get("spec", {}).pop(key, None)
            text = re.sub(rf"\b{name}\b", "SERVICE", json.dumps({"name": child["metadata"]["name"], **written}))
            unnamed = json.loads(text)
            found[f"{child['kind']} {unnamed['name']}"] = unnamed
    return found


def assert_like_a_twin(world: World, **spec: Any) -> None:
    """Fail unless `NAME` ends up with what a service created now, without any fault, ends up with."""
    world.apply(service(TWIN, **spec))
    world.wait_until_serving(TWIN)
    world.wait_until_serving(NAME)
    try:
        eventually("equal children", lambda: shape(world, NAME) == shape(world, TWIN))
    except AssertionError:
        assert shape(world, NAME) == shape(world, TWIN)
    finally:
        world.delete("embeddingservice", TWIN)
