"""Time windows, shared by `EmbeddingService.spec.schedule` and `ScalingSchedule`."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, ConfigDict, Field

from embedding_operator.api.v1alpha1.base import DNS_LABEL, SET_LIST, ApiModel, list_map, matching, rule, rules
from embedding_operator.api.v1alpha1.pools import PoolBounds


class Weekday(StrEnum):
    """A day of the week; members are in the order of `datetime.weekday()`."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"timeZone {name!r} is not an IANA time zone: use a name such as Europe/Berlin or UTC"
        raise ValueError(message) from error
    return name


TimeZoneName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$",
        json_schema_extra=rules(
            rule(
                "self.matches('^[A-Za-z]') && self != 'Local' && timestamp('2024-01-01T00:00:00Z').getHours(self) >= 0",
                "timeZone is not an IANA time zone: use a name such as Europe/Berlin or UTC",
            )
        ),
    ),
    AfterValidator(_known_zone),
]
ClockTime = Annotated[
    str,
    matching(
        "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        message="not a time of day: write HH:MM from 00:00 to 23:59, in quotes",
        max_length=5,
    ),
]
ClockTimeOrMidnight = Annotated[
    str,
    matching(
        "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        message="not a time of day: write HH:MM from 00:00 to 24:00, in quotes",
        max_length=5,
    ),
]
CalendarDate = Annotated[
    date,
    Field(
        ge=date(2000, 1, 1),
        le=date(2999, 12, 31),
        json_schema_extra={"maxLength": 10, "pattern": "^2[0-9]{3}-[0-9]{2}-[0-9]{2}$"},
    ),
]
"""A day of this millennium; `format: date` makes the API server refuse days that do not exist."""
DateList = Annotated[list[CalendarDate], Field(max_length=400, json_schema_extra=SET_LIST)]


class Window(ApiModel):
    """A recurring period of local time with its own pools, or with none (`asleep`).

    If `end` is at or before `start`, the window closes on the next day. Without `days` and `dates` it opens every day.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self.start != self.end", "the window has no length: start and end must differ", field=".end"),
            rule(
                "self.asleep != (has(self.pools) && size(self.pools) > 0)",
                "a window needs either pools or asleep: true, not both",
            ),
        )
    )

    name: Annotated[
        str,
        matching(DNS_LABEL, message="not a valid window name: use lower-case letters, digits and '-'", max_length=63),
    ] = Field(description="Name of the window, unique in its schedule.")
    days: Annotated[list[Weekday], Field(max_length=7, json_schema_extra=SET_LIST)] = Field(
        default_factory=list, description="Days on which the window opens."
    )
    dates: DateList = Field(default_factory=list, description="Other dates (YYYY-MM-DD) on which the window opens.")
    except_dates: DateList = Field(default_factory=list, description="Dates on which the window does not open.")
    start: ClockTime = Field(description="Local time HH:MM at which the window opens.")
    end: ClockTimeOrMidnight = Field(description="Local time HH:MM at which it closes; 24:00 is the end of the day.")
    priority: Annotated[int, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Where windows overlap, the highest priority wins, then the first name."
    )
    asleep: bool = Field(
        default=False, description="No replicas while the window is open. Requests do not wake the service."
    )
    pools: Annotated[list[PoolBounds], Field(max_length=16, json_schema_extra=list_map("gpuPool"))] = Field(
        default_factory=list, description="Pools allowed in the window, in order of preference. No others are used."
    )


WindowList = Annotated[list[Window], Field(min_length=1, max_length=32, json_schema_extra=list_map("name"))]


class ScheduleSpec(ApiModel):
    """The windows of one service, in one time zone."""

    time_zone: TimeZoneName = Field(
        default="UTC", description="IANA name of the time zone of all windows, such as Europe/Berlin."
    )
    windows: WindowList = Field(description="If several are open, the one with the highest priority wins.")
