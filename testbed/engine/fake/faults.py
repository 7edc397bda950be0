"""Faults that can be set in a fake engine, alone or together."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """A fault is active for as long as it is set; `CRASH` ends the process or, per address, the engine there."""

    METRICS_ABSENT = "metrics-absent"
    """`/metrics` is 404."""
    METRICS_NAN = "metrics-nan"
    """Every sample of `/metrics` is NaN."""
    METRICS_STALE = "metrics-stale"
    """`/metrics` keeps returning its first response under this fault."""
    METRICS_RENAMED = "metrics-renamed"
    """Names begin with `sglang_` instead of `sglang:`, as after an upstream rename."""
    METRICS_SLOW = "metrics-slow"
    """`/metrics` answers only after `slow_metrics_seconds`."""
    METRICS_PARTIAL = "metrics-partial"
    """`/metrics` ends in the middle of a line."""
    LOADS_ABSENT = "loads-absent"
    """`/v1/loads` is 404."""
    EMBEDDINGS_ERROR = "embeddings-error"
    """`/v1/embeddings` is 500."""
    WRONG_DIMENSION = "wrong-dimension"
    """Vectors are one value short."""
    NAN_VECTORS = "nan-vectors"
    """Vectors contain NaN, which JSON cannot represent: they are sent as null, or as NaN in base64."""
    HANG = "hang"
    """No request completes, while `/ready` is 200."""
    READY_BEFORE_LOADED = "ready-before-loaded"
    """The port is bound and `/ready` is 200 from the first moment; until loaded, embeddings are 503."""
    CRASH = "crash"
    """The engine is gone: killed like the real one, without a response to its clients."""
