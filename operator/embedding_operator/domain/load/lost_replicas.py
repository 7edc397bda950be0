"""Replicas that Kubernetes still calls Ready although they are gone, as on a node that has just died.

Kubernetes takes 40 s and more to notice a dead node. Two observers see it sooner, each with eyes of its own: the
operator, whose polls are not answered, and the gateway, whose health checks fail. Only both together count: a fault of
the network between the operator and the pods must not look like dead engines.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.domain.observation import Replica

LOST_SECONDS = 10.0
"""Two polls without an answer."""


def lost_replicas(
    replicas: Iterable[Replica],
    *,
    engines: Mapping[str, Sequence[EngineSample]],
    gateways: Mapping[str, Sequence[GatewaySample]],
    now: datetime,
) -> frozenset[str]:
    """Return the UIDs of Ready replicas that are lost; `engines` and `gateways` hold samples by UID of the pod."""
    since = now - timedelta(seconds=LOST_SECONDS)
    heard = [samples[-1] for samples in gateways.values() if samples and samples[-1].taken_at > since]
    down = {name for sample in heard for name in sample.down}
    dead = down - {name for sample in heard for name in sample.engines if name not in sample.down}
    if not dead:
        return frozenset()
    return frozenset(
        each.uid
        for each in replicas
        if each.name in dead
        and each.ready_since is not None
        and each.ready_since <= since
        and not any(sample.taken_at > since for sample in engines.get(each.uid, ())[-1:])
    )
