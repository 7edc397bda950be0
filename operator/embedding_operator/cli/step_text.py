"""Every step of a decision as a sentence. The reasons are those of the operator, the figures those of the step.

A reason that this version does not know, of a newer operator, is told in that operator's own words.
"""

from collections.abc import Mapping

from embedding_operator.api.v1alpha1.status import DecisionStep
from embedding_operator.domain.decision import StepReason

TEMPLATES: Mapping[StepReason, str] = {
    StepReason.RESTART_SEEDED: "There was {message}.",
    StepReason.METRICS_MISSING_HOLD: "{message}; the {after} tokens/s of before stay required.",
    StepReason.METRICS_STALE_HOLD: "{message}; these are {after} tokens/s.",
    StepReason.METRICS_INVALID_HOLD: "{message}; these are {after} tokens/s.",
    StepReason.PARTIAL_METRICS_NO_DOWN: "{message}.",
    StepReason.QUEUE_DEMAND: "{message}: to be done in time that takes {after} tokens/s, the arrival rate {before}.",
    StepReason.RATE_DEMAND: "{message}: with the headroom asked for that takes {after} tokens/s, the queue {before}.",
    StepReason.TRIGGER_DEMAND: "{message}: {after} tokens/s, more than the {before} of the service's own load.",
    StepReason.TRIGGER_MISSING_NO_DOWN: "{message}.",
    StepReason.PANIC: "{message}.",
    StepReason.FALLBACK: "{message}: {after} tokens/s instead of {before}.",
    StepReason.ENGINE_HANG: "{message}: {after} tokens/s are required.",
    StepReason.LOAD_SKEWED: "{message}: that is for the balancer to solve, not for scaling.",
    StepReason.POOL_BACKOFF: "{message}: {after} replicas are counted on, of the {before} that it would hold.",
    StepReason.PREWARM: "{message}.",
    StepReason.DEMAND_UP: "{message}: {after} tokens/s instead of {before}.",
    StepReason.DEMAND_DOWN: "{message}: {after} tokens/s would do instead of {before}.",
    StepReason.IN_BAND: "{message}: it stays at {after} tokens/s.",
    StepReason.SLOW_TRIM: "{message}: {after} tokens/s instead of {before}.",
    StepReason.UP_STABILIZED: "Growing waits, as {before} tokens/s were {message}: {after} for now.",
    StepReason.DOWN_STABILIZED: "Shrinking to {before} tokens/s waits, as {message}: {after} for now.",
    StepReason.UP_RATE_LIMITED: "{message}: {after} now, of the {before} that are needed.",
    StepReason.DOWN_RATE_LIMITED: "{message}: {after} replicas for now, {before} in the end.",
    StepReason.DOWN_FROZEN: "{message}: {after} instead of {before}, as nothing may leave on figures such as these.",
    StepReason.AT_MAXIMUM: "{message}: {after} of {before} tokens/s. Raise maxReplicas to serve the rest.",
    StepReason.AT_MINIMUM: "{message}: {after} tokens/s instead of {before}.",
    StepReason.CHEAPEST_MIX: "The cheapest mix that is worth starting: {message}.",
    StepReason.PRICE_MISSING: "{message}.",
    StepReason.KEEP_ONE: "{message}.",
    StepReason.IDLE: "{message}.",
    StepReason.WAKE: "{message}: {after} are started.",
    StepReason.ASLEEP: "{message}.",
    StepReason.ALLOCATED: "{message}.",
    StepReason.HANDOVER_HOLD: "{message}.",
    StepReason.PAUSED: "{message}, as spec.scaling.mode is Paused: {after} instead of {before}.",
    StepReason.ADVISORY: "{message}, as spec.scaling.mode is Advisory.",
}


def sentence(step: DecisionStep) -> str:
    """Return what a step did, in words."""
    known = StepReason(step.reason) if step.reason in set(StepReason) else None
    if known is StepReason.RATE_DEMAND and step.before == step.after == 0:
        return "Nothing waits and nothing arrives, so nothing is asked for."
    template = "{message}." if known is None else TEMPLATES.get(known, "{message}.")
    said = template.format(message=step.message, before=figure(step.before), after=figure(step.after))
    return said if _begins_with_a_name(said) else said[:1].upper() + said[1:]


def figure(number: float) -> str:
    """Return a number as people write it: as much of it as says something."""
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:,.1f}"  # noqa: PLR2004 - 3 digits


def _begins_with_a_name(said: str) -> bool:
    """Return whether a sentence begins with a pool or a field, which are not capitalised."""
    first = said.split(" ", maxsplit=1)[0]
    return first.endswith(":") or not first[1:].islower()
