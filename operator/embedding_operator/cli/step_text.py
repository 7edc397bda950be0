"""Every step of a decision as a sentence, made of the operator's message and the values of the step.

A reason of a newer operator that this version does not know is shown with that operator's own message.
"""

from collections.abc import Mapping

from embedding_operator.api.v1alpha1.status import DecisionStep
from embedding_operator.domain.decision import StepReason

TEMPLATES: Mapping[StepReason, str] = {
    StepReason.RESTART_SEEDED: "{message}.",
    StepReason.REQUIREMENT_LAPSED: "{message}.",
    StepReason.METRICS_MISSING_HOLD: "{message}; the previous requirement of {after} tokens/s is kept.",
    StepReason.METRICS_STALE_HOLD: "{message} ({after} tokens/s).",
    StepReason.METRICS_INVALID_HOLD: "{message} ({after} tokens/s).",
    StepReason.PARTIAL_METRICS_NO_DOWN: "{message}.",
    StepReason.PARTIAL_METRICS_ASSUMED: "{message}.",
    StepReason.QUEUE_DEMAND: "{message}: serving these in time takes {after} tokens/s; new arrivals take {before}.",
    StepReason.RATE_DEMAND: "{message}: with headroom, this takes {after} tokens/s; the queue takes {before}.",
    StepReason.TRIGGER_DEMAND: "{message}: {after} tokens/s, more than the {before} for the service's own load.",
    StepReason.TRIGGER_MISSING_NO_DOWN: "{message}.",
    StepReason.PANIC: "{message}.",
    StepReason.FALLBACK: "{message}: {after} tokens/s instead of {before}.",
    StepReason.ENGINE_HANG: "{message}: {after} tokens/s are required.",
    StepReason.LOAD_SKEWED: "{message}: this is a load-balancing problem that scaling does not solve.",
    StepReason.POOL_BACKOFF: "{message}: {after} replicas count instead of {before}.",
    StepReason.PREWARM: "{message}.",
    StepReason.DEMAND_UP: "{message}: {after} tokens/s instead of {before}.",
    StepReason.DEMAND_DOWN: "{message}: {after} tokens/s suffice instead of {before}.",
    StepReason.IN_BAND: "{message}: it stays at {after} tokens/s.",
    StepReason.SLOW_TRIM: "{message}: {after} tokens/s instead of {before}.",
    StepReason.UP_STABILIZED: "Scaling up to {before} tokens/s waits ({message}): {after} for now.",
    StepReason.DOWN_STABILIZED: "Scaling down to {before} tokens/s waits ({message}): {after} for now.",
    StepReason.UP_RATE_LIMITED: "{message}: {after} of the required {before} for now.",
    StepReason.DOWN_RATE_LIMITED: "{message}: {after} replicas for now, {before} eventually.",
    StepReason.DOWN_FROZEN: "{message}: {after} instead of {before}, as scaling down needs complete metrics.",
    StepReason.AT_MAXIMUM: "{message}: {after} of {before} tokens/s. Raise maxReplicas to serve the rest.",
    StepReason.AT_MINIMUM: "{message}: {after} tokens/s instead of {before}.",
    StepReason.CHEAPEST_MIX: "The cheapest mix that is worth starting: {message}.",
    StepReason.PRICE_MISSING: "{message}.",
    StepReason.KEEP_ONE: "{message}.",
    StepReason.IDLE: "{message}.",
    StepReason.WAKE: "{message}: starting {after}.",
    StepReason.ASLEEP: "{message}.",
    StepReason.ALLOCATED: "{message}.",
    StepReason.HANDOVER_HOLD: "{message}.",
    StepReason.PAUSED: "{message}, as spec.scaling.mode is Paused: {after} instead of {before}.",
    StepReason.ADVISORY: "{message}, as spec.scaling.mode is Advisory.",
}


def sentence(step: DecisionStep) -> str:
    """Return a step as a sentence."""
    known = StepReason(step.reason) if step.reason in set(StepReason) else None
    if known is StepReason.RATE_DEMAND and step.before == step.after == 0:
        return "No requests wait or arrive, so the load requires nothing."
    template = "{message}." if known is None else TEMPLATES.get(known, "{message}.")
    said = template.format(message=step.message, before=figure(step.before), after=figure(step.after))
    return said if _begins_with_a_name(said) else said[:1].upper() + said[1:]


def figure(number: float) -> str:
    """Return a number with thousands separators and only as many decimals as are meaningful."""
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:,.1f}"  # noqa: PLR2004 - 3 digits


def _begins_with_a_name(said: str) -> bool:
    """Return whether a sentence begins with a pool or a field, which are not capitalised."""
    first = said.split(" ", maxsplit=1)[0]
    return first.endswith(":") or not first[1:].islower()
