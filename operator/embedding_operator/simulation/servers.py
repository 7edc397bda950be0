"""How fast one replica computes, and in which batches: the constants of a model on a GPU."""

from dataclasses import dataclass

BATCH_TOKENS, BATCH_REQUESTS = 2048, 256
FIXED_SHARE = 0.06
"""The share of a full batch's time that does not depend on its content, as for the servers in the facts."""

SECONDS_PER_REQUEST = 0.0033
"""Tokenising, HTTP and JSON, as for the servers in the facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A batch server: a batch takes max(floor, per_batch + per_token * tokens, per_request * requests) seconds.

    A batch holds at most `batch_tokens` and `batch_requests`; a longer request is a batch of its own. `source` says
    where the values are from.
    """

    floor: float
    per_batch: float
    per_token: float
    per_request: float
    batch_tokens: int
    batch_requests: int
    source: str = ""

    def seconds(self, *, tokens: float, requests: float) -> float:
        """Return how long a batch takes."""
        return max(self.floor, self.per_batch + self.per_token * tokens, self.per_request * requests)

    def capacity(self, *, tokens_per_request: float, outstanding: int) -> float:
        """Return the tokens per second of full batches of equal requests, at most `outstanding` of them at a time."""
        most = min(self.batch_requests, outstanding, self.batch_tokens // max(1.0, tokens_per_request))
        requests = max(1.0, most)
        tokens = requests * tokens_per_request
        return tokens / self.seconds(tokens=tokens, requests=requests)


def server_of(tokens_per_second: float) -> Server:
    """Return a server that computes that many tokens per second in full batches."""
    batch_seconds = BATCH_TOKENS / tokens_per_second
    return Server(
        floor=0.0,
        per_batch=FIXED_SHARE * batch_seconds,
        per_token=(1.0 - FIXED_SHARE) / tokens_per_second,
        per_request=SECONDS_PER_REQUEST,
        batch_tokens=BATCH_TOKENS,
        batch_requests=BATCH_REQUESTS,
    )
