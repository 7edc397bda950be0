"""What can be made to go wrong in a fake engine, alone or together."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """One thing that goes wrong for as long as it is set; `CRASH` ends the process or, per address, the address."""

    METRICS_ABSENT = "metrics-absent"
    """`/metrics` is 404."""
    METRICS_NAN = "metrics-nan"
    """Every sample of `/metrics` is NaN."""
    METRICS_STALE = "metrics-stale"
    """`/metrics` keeps answering what it answered first under this fault."""
    METRICS_RENAMED = "metrics-renamed"
    """Names begin with `sglang_` in place of `sglang:`, as after a rename upstream."""
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
    """Vectors hold NaN, which JSON has no number for: they come as null, or as NaN in base64."""
    HANG = "hang"
    """No request ends, while `/ready` says all is well."""
    READY_BEFORE_LOADED = "ready-before-loaded"
    """The port is bound and `/ready` is 200 from the first moment; until loaded, embeddings are 503."""
    CRASH = "crash"
    """The engine is gone: killed like the real one, without a word to its clients."""
