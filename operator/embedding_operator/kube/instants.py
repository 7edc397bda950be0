"""Instants as the API server writes them."""

from datetime import UTC, datetime


def instant(text: str) -> datetime:
    """Return the instant of an RFC 3339 time stamp."""
    return datetime.fromisoformat(text).astimezone(UTC)


def rfc3339_micro(moment: datetime) -> str:
    """Return `moment` as a Kubernetes `MicroTime`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
