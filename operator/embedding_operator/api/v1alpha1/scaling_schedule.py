"""`ScalingSchedule`: time windows that a cluster admin applies to selected services."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ApiModel, list_map
from embedding_operator.api.v1alpha1.conditions import Condition
from embedding_operator.api.v1alpha1.kubernetes_types import LabelSelector
from embedding_operator.api.v1alpha1.schedule import ScheduleSpec


class Enforcement(StrEnum):
    """Whether a service's own schedule takes precedence (`Default`) or not (`Enforce`)."""

    DEFAULT = "Default"
    ENFORCE = "Enforce"


class ScalingScheduleSpec(ScheduleSpec):
    """Windows, and the services that they apply to."""

    namespace_selector: LabelSelector = Field(
        default_factory=LabelSelector, description="Namespaces whose services are selected. Empty: all."
    )
    service_selector: LabelSelector = Field(
        default_factory=LabelSelector, description="Labels of the selected EmbeddingServices. Empty: all."
    )
    enforcement: Enforcement = Enforcement.DEFAULT
    priority: Annotated[int, Field(ge=-1000, le=1000)] = Field(
        default=0,
        description="Among schedules that select the same service, the highest priority wins, then the first name.",
    )


class ScalingScheduleStatus(ApiModel):
    """The services that the schedule applies to, and its current window."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    services: Annotated[int, Field(ge=0)] = Field(default=0, description="Services to which it applies.")
    active_window: str | None = None
    next_transition: datetime | None = None
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )
