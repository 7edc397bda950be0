from datetime import UTC, datetime

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.domain.status.cluster_objects import Node, Usage, gpu_pool_status, scaling_schedule_status

from tests.world.builders import CPU_POOL

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
LABELS = {"nvidia.com/gpu.product": "NVIDIA-A10"}
POOL = GPUPoolSpec.model_validate(
    {"nodeSelector": LABELS, "computeCapability": "8.6", "memoryGiB": 22, "resource": {"count": 2}}
)


def test_a_pool_counts_its_own_nodes_and_gpus() -> None:
    nodes = [
        Node(labels={**LABELS, "zone": "a"}, allocatable={"nvidia.com/gpu": 4}),
        Node(labels=LABELS, allocatable={}),
        Node(labels={"nvidia.com/gpu.product": "Tesla-T4"}, allocatable={"nvidia.com/gpu": 8}),
    ]
    usage = [Usage(service="search/a", replicas=1), Usage(service="search/b", replicas=0)]

    status = gpu_pool_status(POOL, nodes=nodes, usage=usage, previous=[], generation=2, now=NOW)

    assert (status.nodes, status.gpus_allocatable, status.gpus_in_use, status.services) == (2, 4, 2, 1)
    assert status.conditions[0].reason == Reason.AVAILABLE


def test_a_pool_of_cpus_has_nodes_and_no_gpus() -> None:
    pool = CPU_POOL.model_copy(update={"node_selector": LABELS})
    nodes = [Node(labels=LABELS, allocatable={"nvidia.com/gpu": 4})]
    usage = [Usage(service="search/a", replicas=3)]

    status = gpu_pool_status(pool, nodes=nodes, usage=usage, previous=[], generation=1, now=NOW)

    assert (status.nodes, status.gpus_allocatable, status.gpus_in_use, status.services) == (1, 0, 0, 1)


def test_a_pool_without_nodes_says_which_label_is_missing() -> None:
    status = gpu_pool_status(POOL, nodes=[], usage=[], previous=[], generation=1, now=NOW)

    assert status.conditions[0].reason == Reason.NO_NODES
    assert "nvidia.com/gpu.product=NVIDIA-A10" in status.conditions[0].message


def test_a_schedule_shows_its_window_and_whom_it_binds() -> None:
    spec = ScalingScheduleSpec.model_validate(
        {"windows": [{"name": "noon", "start": "12:00", "end": "13:00", "asleep": True}]}
    )

    bound = scaling_schedule_status(spec, services=2, previous=[], generation=1, now=NOW)
    unused = scaling_schedule_status(spec, services=0, previous=[], generation=1, now=NOW)

    assert bound.active_window == "noon"
    assert bound.next_transition == NOW.replace(hour=13, minute=0)
    assert bound.conditions[0].reason == Reason.IN_USE
    assert unused.conditions[0].reason == Reason.UNUSED
