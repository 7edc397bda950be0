"""Explains a decision: what the operator measured, what it decided, where replicas run, and what blocks them.

Uses the status alone, so the explanation is the same for a service in the cluster and for one in a saved file.
"""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.status import (
    CapacitySource,
    DecisionStatus,
    EmbeddingServiceStatus,
    PoolStatus,
    ScheduleStatus,
)
from embedding_operator.cli.step_text import figure, sentence

SECONDS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}

GOOD_IF_TRUE = {
    ConditionType.METRICS_AVAILABLE,
    ConditionType.SCHEDULE_APPLIED,
    ConditionType.GATEWAY_AVAILABLE,
    ConditionType.TRIGGERS_AVAILABLE,
    ConditionType.ALLOCATION_APPLIED,
}
TOLD_ELSEWHERE = {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED}
NOTHING_WRONG = {Reason.NO_SCHEDULE, Reason.NO_REPLICAS, Reason.GATEWAY_DISABLED}


MISSED = timedelta(minutes=1)
"""How long after a change of windows the status must show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """What the Leases of operators say: `problem` is why none of them leads, None where one does or that is unknown."""

    problem: str | None = None


UNKNOWN_LEADER = Leader()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The service to explain; `generation` is that of its spec, None where only the status is known.

    `leader` says what is known of the operator that should act on it.
    """

    name: str
    status: EmbeddingServiceStatus
    generation: int | None = None
    leader: Leader = UNKNOWN_LEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A heading, and sentences below it."""

    heading: str
    sentences: tuple[str, ...]


def told(subject: Subject, *, now: datetime, width: int = 100) -> str:
    """Return the explanation as text, in lines of at most `width` characters."""
    return "\n\n".join(_laid_out(paragraph, width=width) for paragraph in story(subject, now=now)) + "\n"


def story(subject: Subject, *, now: datetime) -> tuple[Paragraph, ...]:
    """Return the paragraphs of the explanation that are not empty."""
    status = subject.status
    paragraphs = [
        Paragraph(heading=subject.name, sentences=(*_outset(subject, now=now),)),
        Paragraph(heading="Schedule", sentences=(*_schedule(status.schedule, now=now),)),
        Paragraph(heading="Load", sentences=(*_load(status.decision),)),
        Paragraph(heading="Decision", sentences=(*_decision(status.decision, now=now),)),
        Paragraph(heading="Pools", sentences=(*_pools(status),)),
        Paragraph(heading="Other conditions", sentences=(*_besides(status.conditions, now=now),)),
    ]
    return tuple(paragraph for paragraph in paragraphs if paragraph.sentences)


def document(subject: Subject, *, now: datetime) -> str:
    """Return the explanation as JSON: the same sentences, and the decision that they are about."""
    decision = subject.status.decision
    found = {
        "service": subject.name,
        "explanation": [
            {"heading": paragraph.heading, "sentences": list(paragraph.sentences)}
            for paragraph in story(subject, now=now)
        ],
        "decision": None
        if decision is None
        else decision.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"memory"}),
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _outset(subject: Subject, *, now: datetime) -> Iterator[str]:
    status = subject.status
    if subject.leader.problem is not None:
        yield f"No operator acts on it: {subject.leader.problem}."
    missed = None if status.schedule is None else status.schedule.next_transition
    if missed is not None and now - missed > MISSED:
        yield (
            f"The change of windows at {instant(missed)} ({ahead(missed, now=now)}) is missing: no operator has acted "
            "since, or the status was saved before it."
        )
    conditions = {condition.type: condition for condition in status.conditions}
    yield _readiness(conditions.get(ConditionType.READY), now=now)
    yield f"{status.ready_replicas} of {status.replicas} desired replicas are Ready."
    stalled = conditions.get(ConditionType.STALLED)
    if stalled is not None and stalled.status is ConditionStatus.TRUE:
        yield f"It is stalled ({stalled.reason}): {stalled.message}."
    if subject.generation is not None and subject.generation != status.observed_generation:
        yield (
            f"The spec has changed since: this describes generation {status.observed_generation}, the current one is "
            f"{subject.generation}."
        )


def _readiness(ready: Condition | None, *, now: datetime) -> str:
    if ready is None or ready.status is ConditionStatus.UNKNOWN:
        return "It is not known yet whether it is Ready."
    state = "been Ready" if ready.status is ConditionStatus.TRUE else "not been Ready"
    lasting = passed(ready.last_transition_time, now=now)
    return f"It has {state} for {lasting} ({ready.reason}): {ready.message or 'nothing is missing'}."


def _schedule(schedule: ScheduleStatus | None, *, now: datetime) -> Iterator[str]:
    if schedule is None:
        yield "It has no schedule: spec.pools applies at all times."
        return
    source = "its own schedule" if schedule.source == "EmbeddingService" else str(schedule.source)
    if schedule.window is None:
        yield f"No window of {source} is open, so spec.pools applies."
    else:
        since = "" if schedule.since is None else f" since {instant(schedule.since)}"
        yield f"Window {schedule.window} of {source} is open{since}."
    if schedule.next_transition is not None and now - schedule.next_transition <= MISSED:
        follows = "spec.pools applies" if schedule.next_window is None else f"window {schedule.next_window} is open"
        yield f"From {instant(schedule.next_transition)} ({ahead(schedule.next_transition, now=now)}), {follows}."


def _load(decision: DecisionStatus | None) -> Iterator[str]:
    if decision is None:
        return
    if decision.queue_requests is None:
        yield "There were no usable metrics of the service's own load."
    elif decision.queue_requests == 0:
        yield "No requests waited."
    else:
        tokens = "" if decision.queue_tokens is None else f" ({figure(decision.queue_tokens)} tokens)"
        yield f"{_counted(decision.queue_requests, 'request')} waited{tokens}."
    if decision.arrival_tokens_per_second == 0:
        yield "No requests arrived."
    elif decision.arrival_tokens_per_second is not None:
        yield f"{figure(decision.arrival_tokens_per_second)} tokens arrived per second."
    for trigger in decision.triggers:
        if trigger.value is None:
            yield f"Trigger {trigger.name} has no usable value: {trigger.problem}."
        else:
            yield f"Trigger {trigger.name} was at {figure(trigger.value)}."


def _decision(decision: DecisionStatus | None, *, now: datetime) -> Iterator[str]:
    if decision is None:
        return
    for number, step in enumerate(decision.steps, start=1):
        yield f"{number}. {sentence(step)}"
    yield (
        f"So {figure(decision.required)} tokens/s are required. Decided at {instant(decision.at)}, "
        f"{passed(decision.at, now=now)} ago."
    )


def _pools(status: EmbeddingServiceStatus) -> Iterator[str]:
    for pool in status.pools:
        yield _pool(pool)
    if status.decision is not None and status.pools:
        serves = sum(pool.ready * pool.tokens_per_second for pool in status.pools)
        yield f"Ready replicas serve {figure(serves)} tokens/s; {figure(status.decision.required)} are required."


def _pool(pool: PoolStatus) -> str:
    counts = [f"{_counted(pool.desired, 'replica')} desired", f"{pool.ready} Ready"]
    counts += [f"{pool.starting} starting"] if pool.starting else []
    counts += [f"{pool.stuck} stuck"] if pool.stuck else []
    origin = {CapacitySource.SPEC: "from spec.pools", CapacitySource.ESTIMATE: "estimated"}
    source = origin.get(pool.capacity_source, "measured")
    return f"{pool.gpu_pool}: {', '.join(counts)}; each serves {figure(pool.tokens_per_second)} tokens/s ({source})."


def _besides(conditions: Sequence[Condition], *, now: datetime) -> Iterator[str]:
    for condition in conditions:
        expected = ConditionStatus.TRUE if condition.type in GOOD_IF_TRUE else ConditionStatus.FALSE
        usual = condition.status is expected and condition.reason != Reason.PARTIAL
        if usual or condition.type in TOLD_ELSEWHERE or condition.reason in NOTHING_WRONG:
            continue
        lasting = passed(condition.last_transition_time, now=now)
        said = f": {condition.message}" if condition.message else ""
        yield f"{condition.type} has been {condition.status} for {lasting} ({condition.reason}){said}."


def instant(moment: datetime) -> str:
    """Return an instant in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def passed(moment: datetime, *, now: datetime) -> str:
    """Return how long ago an instant was, in its two largest units."""
    return _duration((now - moment).total_seconds())


def ahead(moment: datetime, *, now: datetime) -> str:
    """Return how far ahead an instant is, or how long ago it was."""
    seconds = (moment - now).total_seconds()
    return f"in {_duration(seconds)}" if seconds > 0 else f"{_duration(-seconds)} ago"


def _duration(seconds: float) -> str:
    left, parts = max(0, round(seconds)), []
    for unit, length in SECONDS.items():
        count, left = divmod(left, length)
        if count:
            parts.append(_counted(count, unit))
    return " ".join(parts[:2]) or "0 seconds"


def _counted(count: float, noun: str) -> str:
    return f"{figure(count)} {noun}{'' if count == 1 else 's'}"


def _laid_out(paragraph: Paragraph, *, width: int) -> str:
    lines = [paragraph.heading]
    for each in paragraph.sentences:
        lines += textwrap.wrap(
            each, width, initial_indent="  ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(lines)
