"""The inner loop: requests through a gateway to batch servers, one event after the other.

    arrival -> the gateway's queue -> the ready replica with the fewest outstanding requests, at most `door` of them
    a free replica takes requests in order, up to its batch size, and computes them for
        max(floor, a + b * tokens, requests / rate)        seconds

A request that has waited too long times out and is not computed; one that was begun is answered. A draining replica
gets no new requests, finishes those it has, and is gone.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.compilation import in_place

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

FREE, READY, DRAINING, GONE = 0, 1, 2, 3

# Columns of `speed`, which has a row for each replica.
FLOOR, PER_BATCH, PER_TOKEN, PER_REQUEST = 0, 1, 2, 3
# Columns of `shape`.
BATCH_TOKENS, BATCH_REQUESTS = 0, 1
# Columns of `replicas`.
STATE, HEAD, WAITING, WAITING_TOKENS, RUNNING, RUNNING_TOKENS, DONE_TOKENS = 0, 1, 2, 3, 4, 5, 6
# Columns of `clocks`.
BUSY_UNTIL, GONE_AT, BUSY_SECONDS = 0, 1, 2
# Entries of `cursor`.
ACTIVE, TURN, GATEWAY_HEAD, GATEWAY_COUNT, GATEWAY_TOKENS = 0, 1, 2, 3, 4
# Entries of `totals`.
ARRIVED, ARRIVED_TOKENS, ANSWERED, ANSWERED_TOKENS, TIMED_OUT, DROPPED = 0, 1, 2, 3, 4, 5
# Entries of `measured`: like `totals`, for measured requests only, and how many of them exceeded each threshold.
M_REQUESTS, M_TOKENS, M_ANSWERED, M_TIMED_OUT, M_DROPPED, M_LATE = 0, 1, 2, 3, 4, 5

LATE_SECONDS = (0.5, 1.0, 5.0)
LATE_IN_WINDOW = 1
SHORTEST_WAIT = 1e-3
BINS_PER_E = 50.0
BINS = 2 + int(math.log(1e7) * BINS_PER_E)


class Station(NamedTuple):
    """The whole state of the queues, in arrays that the compiled loop changes in place.

    Replicas are rows; `active` lists the rows in use. `counted` says by window which requests are measured.
    `limits` are in seconds: until a waiting request times out, and the windows of `counted` and of `window_late`.
    """

    speed: Floats
    shape: Integers
    replicas: Integers
    clocks: Floats
    replica_times: Floats
    replica_tokens: Integers
    active: Integers
    cursor: Integers
    gateway_times: Floats
    gateway_tokens: Integers
    totals: Integers
    measured: Integers
    waits: Integers
    window_requests: Integers
    window_late: Integers
    counted: Flags
    limits: Floats


# Entries of `limits`.
PATIENCE, COUNT_STEP, WINDOW_STEP = 0, 1, 2


@in_place
def advance(station: Station, times: Floats, tokens: Integers, first: int, until: float) -> int:
    """Run all events before `until`; arrivals are `times` from `first` on. Return the index of the first one left."""
    index = first
    end, row = _next_end(station)
    while True:
        arrival = times[index] if index < len(times) else math.inf
        if min(arrival, end) >= until:
            break
        if arrival <= end:
            started = _arrive(station, arrival, tokens[index])
            index += 1
            if started >= 0 and station.clocks[started, BUSY_UNTIL] < end:
                end, row = station.clocks[started, BUSY_UNTIL], started
        else:
            _complete(station, row, end)
            end, row = _next_end(station)
    _give_up(station, until)
    return index


@in_place
def fill(station: Station, row: int, now: float) -> None:
    """Hand requests that wait at the gateway to a replica with room, and let it begin a batch."""
    _fill(station, row, now)


@in_place
def _fill(station: Station, row: int, now: float) -> None:
    cursor, replicas = station.cursor, station.replicas
    _give_up(station, now)
    door = station.replica_times.shape[1]
    while cursor[GATEWAY_COUNT] > 0 and replicas[row, RUNNING] + replicas[row, WAITING] < door:
        head = cursor[GATEWAY_HEAD]
        length = station.gateway_tokens[head]
        _enqueue(station, row, station.gateway_times[head], length)
        _pop_gateway(station, length)
    if replicas[row, RUNNING] == 0:
        _begin(station, row, now)


@in_place
def _next_end(station: Station) -> tuple[float, int]:
    end, row = math.inf, -1
    for position in range(station.cursor[ACTIVE]):
        candidate = station.active[position]
        if station.clocks[candidate, BUSY_UNTIL] < end:
            end, row = station.clocks[candidate, BUSY_UNTIL], candidate
    return end, row


@in_place
def _arrive(station: Station, now: float, length: int) -> int:
    """Accept one request; return the replica that began a batch with it, or -1."""
    station.totals[ARRIVED] += 1
    station.totals[ARRIVED_TOKENS] += length
    if _counts(station, now):
        station.measured[M_REQUESTS] += 1
        station.measured[M_TOKENS] += length
        station.window_requests[int(now / station.limits[WINDOW_STEP])] += 1
    cursor = station.cursor
    row = _least_outstanding(station) if cursor[GATEWAY_COUNT] == 0 else -1
    if row < 0:
        _hold(station, now, length)
        return -1
    _enqueue(station, row, now, length)
    if station.replicas[row, RUNNING] > 0:
        return -1
    _begin(station, row, now)
    return row


@in_place
def _least_outstanding(station: Station) -> int:
    """Return the ready replica with room and the fewest requests, in turn among equals; -1 if there is none."""
    cursor, replicas = station.cursor, station.replicas
    count = cursor[ACTIVE]
    best, fewest = -1, station.replica_times.shape[1]
    for offset in range(count):
        position = cursor[TURN] + offset
        if position >= count:
            position -= count
        row = station.active[position]
        outstanding = replicas[row, RUNNING] + replicas[row, WAITING]
        if replicas[row, STATE] == READY and outstanding < fewest:
            best, fewest = row, outstanding
            if fewest == 0:
                break
    cursor[TURN] = cursor[TURN] + 1 if cursor[TURN] + 1 < count else 0
    return best


@in_place
def _hold(station: Station, now: float, length: int) -> None:
    cursor = station.cursor
    size = len(station.gateway_times)
    if cursor[GATEWAY_COUNT] == size:
        _give_up(station, now)
    if cursor[GATEWAY_COUNT] == size:
        station.totals[DROPPED] += 1
        if _counts(station, now):
            station.measured[M_DROPPED] += 1
            _record(station, now, math.inf)
        return
    tail = (cursor[GATEWAY_HEAD] + cursor[GATEWAY_COUNT]) % size
    station.gateway_times[tail] = now
    station.gateway_tokens[tail] = length
    cursor[GATEWAY_COUNT] += 1
    cursor[GATEWAY_TOKENS] += length


@in_place
def _pop_gateway(station: Station, length: int) -> None:
    cursor = station.cursor
    cursor[GATEWAY_HEAD] = (cursor[GATEWAY_HEAD] + 1) % len(station.gateway_times)
    cursor[GATEWAY_COUNT] -= 1
    cursor[GATEWAY_TOKENS] -= length


@in_place
def _give_up(station: Station, now: float) -> None:
    """Remove requests that have waited too long from the gateway's queue."""
    cursor = station.cursor
    patience = station.limits[PATIENCE]
    while cursor[GATEWAY_COUNT] > 0 and station.gateway_times[cursor[GATEWAY_HEAD]] + patience <= now:
        head = cursor[GATEWAY_HEAD]
        _leave(station, station.gateway_times[head])
        _pop_gateway(station, station.gateway_tokens[head])


@in_place
def _leave(station: Station, arrived: float) -> None:
    station.totals[TIMED_OUT] += 1
    if _counts(station, arrived):
        station.measured[M_TIMED_OUT] += 1
        _record(station, arrived, math.inf)


@in_place
def _enqueue(station: Station, row: int, arrived: float, length: int) -> None:
    replicas = station.replicas
    door = station.replica_times.shape[1]
    tail = (replicas[row, HEAD] + replicas[row, WAITING]) % door
    station.replica_times[row, tail] = arrived
    station.replica_tokens[row, tail] = length
    replicas[row, WAITING] += 1
    replicas[row, WAITING_TOKENS] += length


@in_place
def _begin(station: Station, row: int, now: float) -> None:
    """Begin a batch with the requests that wait at the replica; it stays idle if there are none."""
    replicas, shape = station.replicas, station.shape
    door = station.replica_times.shape[1]
    patience = station.limits[PATIENCE]
    first, count, size = replicas[row, HEAD], 0, 0
    while replicas[row, WAITING] > 0:
        head = replicas[row, HEAD]
        length = station.replica_tokens[row, head]
        expired = station.replica_times[row, head] + patience <= now
        full = count >= shape[row, BATCH_REQUESTS] or size + length > shape[row, BATCH_TOKENS]
        if not expired and full and count > 0:
            break
        replicas[row, HEAD] = (head + 1) % door
        replicas[row, WAITING] -= 1
        replicas[row, WAITING_TOKENS] -= length
        if expired:
            _leave(station, station.replica_times[row, head])
            continue
        # Timed-out requests leave holes: the batch is compacted, for the second pass in _compute.
        place = (first + count) % door
        station.replica_times[row, place] = station.replica_times[row, head]
        count += 1
        size += length
    if count > 0:
        _compute(station, row, now, (first, count, size))


@in_place
def _compute(station: Station, row: int, now: float, batch: tuple[int, int, int]) -> None:
    """Compute a batch, given as the position of its first request in the queue, its requests, and its tokens."""
    first, count, size = batch
    speed = station.speed
    seconds = max(speed[row, FLOOR], speed[row, PER_BATCH] + speed[row, PER_TOKEN] * size)
    seconds = max(seconds, speed[row, PER_REQUEST] * count)
    door = station.replica_times.shape[1]
    for offset in range(count):
        arrived = station.replica_times[row, (first + offset) % door]
        if _counts(station, arrived):
            station.measured[M_ANSWERED] += 1
            _record(station, arrived, now - arrived)
    station.replicas[row, RUNNING] = count
    station.replicas[row, RUNNING_TOKENS] = size
    station.clocks[row, BUSY_UNTIL] = now + seconds
    station.clocks[row, BUSY_SECONDS] += seconds


@in_place
def _complete(station: Station, row: int, now: float) -> None:
    """Complete the batch of a replica, and let it begin the next."""
    replicas, totals = station.replicas, station.totals
    totals[ANSWERED] += replicas[row, RUNNING]
    totals[ANSWERED_TOKENS] += replicas[row, RUNNING_TOKENS]
    replicas[row, DONE_TOKENS] += replicas[row, RUNNING_TOKENS]
    replicas[row, RUNNING] = 0
    replicas[row, RUNNING_TOKENS] = 0
    station.clocks[row, BUSY_UNTIL] = math.inf
    if replicas[row, STATE] == READY:
        _fill(station, row, now)
        return
    _begin(station, row, now)
    if replicas[row, RUNNING] == 0:
        replicas[row, STATE] = GONE
        station.clocks[row, GONE_AT] = now


@in_place
def _counts(station: Station, arrived: float) -> bool:
    return bool(station.counted[int(arrived / station.limits[COUNT_STEP])])


@in_place
def _record(station: Station, arrived: float, wait: float) -> None:
    """Record how long a measured request waited; `inf` if it was never begun."""
    late = wait > LATE_SECONDS[LATE_IN_WINDOW]
    for threshold in range(len(LATE_SECONDS)):
        if wait > LATE_SECONDS[threshold]:
            station.measured[M_LATE + threshold] += 1
    if late:
        station.window_late[int(arrived / station.limits[WINDOW_STEP])] += 1
    if wait == math.inf:
        station.waits[BINS - 1] += 1
    elif wait <= SHORTEST_WAIT:
        station.waits[0] += 1
    else:
        station.waits[min(BINS - 2, 1 + int(math.log(wait / SHORTEST_WAIT) * BINS_PER_E))] += 1
