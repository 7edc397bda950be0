"""Compares two curves of replicas over the same time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference between two curves.

    `mean` is the mean absolute difference in replicas when the other is shifted by `shift` seconds, later if positive.
    `replica_seconds` is the ratio of the areas below the two curves, `peaks` are their largest values.
    """

    mean: float
    shift: int
    replica_seconds: float
    peaks: tuple[int, int]


def by_second(changes: Sequence[tuple[float, int]], *, seconds: int) -> list[int]:
    """Return the replicas at the end of each of `seconds`, from `(at, replicas)` in chronological order.

    Before the first change the replicas are those of the first change; raise `ValueError` if there is none.
    """
    if not changes:
        raise ValueError("changes: a curve needs at least one value")
    curve = [changes[0][1]] * seconds
    for (at, replicas), (until, _) in pairwise([*changes, (float(seconds), 0)]):
        for second in range(max(0, int(at)), min(seconds, int(until))):
            curve[second] = replicas
    return curve


def steps(curve: Sequence[int]) -> list[tuple[int, int]]:
    """Return the seconds at which a curve changes, including the first, with the replicas from then on."""
    return [(second, curve[second]) for second in range(len(curve)) if not second or curve[second] != curve[second - 1]]


def difference(one: Sequence[int], other: Sequence[int], *, most_shift: int) -> Difference:
    """Return the difference of two curves of equal length, at the best shift of at most `most_shift` seconds.

    Raise `ValueError` if their lengths differ or do not exceed the shift.
    """
    if len(one) != len(other) or len(one) <= most_shift:
        message = (
            f"curves of {len(one)} s and {len(other)} s: both must be equally long, and longer than {most_shift} s"
        )
        raise ValueError(message)
    shifts = sorted(range(-most_shift, most_shift + 1), key=abs)
    shift = min(shifts, key=lambda each: _mean(one, other, shift=each))
    return Difference(
        mean=_mean(one, other, shift=shift),
        shift=shift,
        replica_seconds=sum(one) / max(1, sum(other)),
        peaks=(max(one), max(other)),
    )


def _mean(one: Sequence[int], other: Sequence[int], *, shift: int) -> float:
    """Return the mean over the time that both curves cover."""
    pairs = [(one[second], other[second - shift]) for second in range(max(0, shift), min(len(one), len(one) + shift))]
    return sum(abs(here - there) for here, there in pairs) / len(pairs)
