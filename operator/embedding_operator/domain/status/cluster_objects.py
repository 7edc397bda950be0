"""The status of `GPUPool`s (nodes, GPUs, services) and of `ScalingSchedule`s (the services that they apply to)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionType, Reason
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec, GPUPoolStatus
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec, ScalingScheduleStatus
from embedding_operator.domain.schedule.bounds import schedule_state
from embedding_operator.domain.status.conditions import Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The relevant parts of a node: its labels and its allocatable resources, in units."""

    labels: Mapping[str, str]
    allocatable: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The replicas of one service on a pool."""

    service: str
    replicas: int


def gpu_pool_status(
    spec: GPUPoolSpec,
    *,
    nodes: Sequence[Node],
    usage: Sequence[Usage],
    previous: Sequence[Condition],
    generation: int,
    now: datetime,
) -> GPUPoolStatus:
    """Return the status of a pool; `nodes` are the schedulable nodes of the whole cluster."""
    own = [node for node in nodes if spec.node_selector.items() <= node.labels.items()]
    services = {each.service for each in usage if each.replicas > 0}
    conditions = Conditions(previous, generation=generation, now=now)
    if own:
        conditions.true(ConditionType.READY, Reason.AVAILABLE)
    else:
        selector = ", ".join(f"{key}={value}" for key, value in sorted(spec.node_selector.items()))
        # The pool is usable, just empty: False would make `helm install --wait` wait for hardware.
        conditions.true(ConditionType.READY, Reason.NO_NODES, f"no schedulable node has the labels {selector}")
    return GPUPoolStatus(
        observed_generation=generation,
        nodes=len(own),
        gpus_allocatable=sum(node.allocatable.get(spec.resource.name, 0) for node in own) if spec.gpus else 0,
        gpus_in_use=sum(each.replicas for each in usage) * spec.gpus,
        services=len(services),
        conditions=conditions.listed(),
    )


def scaling_schedule_status(
    spec: ScalingScheduleSpec, *, services: int, previous: Sequence[Condition], generation: int, now: datetime
) -> ScalingScheduleStatus:
    """Return the status of the schedule; `services` counts those to which it applies."""
    state = schedule_state(spec, now=now)
    conditions = Conditions(previous, generation=generation, now=now)
    if services:
        conditions.true(ConditionType.READY, Reason.IN_USE, f"applies to {services} services")
    else:
        conditions.true(ConditionType.READY, Reason.UNUSED, "applies to no service")
    return ScalingScheduleStatus(
        observed_generation=generation,
        services=services,
        active_window=state.active_window,
        next_transition=state.next_transition,
        conditions=conditions.listed(),
    )
