"""The condition `HandoverInProgress`: how far one pool's replicas have taken over from another's."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.domain.capacity.startup_time import overdue_after
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.observation import Observation, Parity
from embedding_operator.domain.placement.handover import settled, takes_over
from embedding_operator.domain.status.conditions import Conditions

LONGEST_HANDOVER = timedelta(minutes=30)


def report_handover(
    observation: Observation, decision: Decision, *, conditions: Conditions, previous: Sequence[Condition]
) -> None:
    """Set the condition; `previous` are the conditions of the last status."""
    kind = ConditionType.HANDOVER_IN_PROGRESS
    goal = {target.pool: target.goal for target in decision.targets}
    if not takes_over(observation.pools, goal=goal):
        conditions.false(kind, Reason.STABLE)
    elif not decision.write:
        conditions.false(kind, Reason.STABLE, "replicas are not written in this scaling.mode")
    else:
        reason, message = _handover_phase(observation, decision, goal=goal)
        if reason is not Reason.DRAINING and _is_overdue(previous, observation=observation):
            reason, message = Reason.HANDOVER_OVERDUE, f"{message}. The handover should be over by now"
        conditions.true(kind, reason, message)


def _is_overdue(previous: Sequence[Condition], *, observation: Observation) -> bool:
    """Return whether the handover in `previous` has taken longer than any handover should."""
    longest = max([LONGEST_HANDOVER, *[overdue_after(pool.startup_seconds) for pool in observation.pools]])
    begun = next((each for each in previous if each.type == ConditionType.HANDOVER_IN_PROGRESS), None)
    if begun is None or begun.status is not ConditionStatus.TRUE:
        return False
    return observation.now - begun.last_transition_time > longest


def _handover_phase(observation: Observation, decision: Decision, *, goal: Mapping[str, int]) -> tuple[Reason, str]:
    incoming = [pool for pool in observation.pools if goal[pool.name] > 0]
    names = ", ".join(pool.name for pool in incoming)
    held = [step for step in decision.steps if step.reason in (StepReason.HANDOVER_HOLD, StepReason.DOWN_FROZEN)]
    if not held:
        return Reason.DRAINING, f"{names} serves: the other replicas are leaving"
    if any(len(pool.ready) < goal[pool.name] for pool in incoming):
        return Reason.WAITING_FOR_READY, f"replicas on {names} are not Ready yet: the others stay"
    if any(pod.parity is Parity.FAILED for pool in incoming for pod in pool.ready):
        message = f"replicas on {names} return different vectors than those that they replace: the others stay"
        return Reason.PARITY_FAILED, message
    if all(settled(pod, now=observation.now) for pool in incoming for pod in pool.ready):
        return Reason.SETTLING, f"replicas on {names} have not answered the probe yet: the others stay"
    return Reason.SETTLING, f"replicas on {names} have been Ready for less than 30 s: the others stay"
