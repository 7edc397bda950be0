"""One engine: its queue, counts, faults and script. A process has one of them, or one for each of its addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from .batching import BatchLimits, BatchServer, ServiceTime
from .exposition import Family
from .faults import Fault
from .figures import Figures
from .metrics import families_of
from .script import Playing, Script
from .settings import Settings
from .traffic import EMBEDDINGS, Traffic

WARMUP_TOKENS = 8
"""Tokens of the request that an engine sends to itself before it is ready; its counters include them."""


class Replica:
    """State of one engine. Create it inside a running event loop; its queue is processed until `stop`."""

    def __init__(self, settings: Settings) -> None:
        behaviour, engine = settings.behaviour, settings.engine
        self._settings = settings
        self._started = time.monotonic()
        self.traffic = Traffic()
        self.batches = BatchServer(
            limits=BatchLimits(
                tokens=engine.tokens_per_batch, texts=engine.max_running_requests, queued=engine.max_queued_requests
            ),
            service_time=ServiceTime(behaviour.base_seconds, behaviour.seconds_per_token, behaviour.floor_seconds),
        )
        self.frontend = asyncio.Lock()
        self.faults: frozenset[Fault] = frozenset()
        self.stale_metrics: list[Family] | None = None
        self._playing = Playing(Script(), self._started) if behaviour.scripted else None
        self._work = asyncio.create_task(self.batches.run())

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Set exactly these faults."""
        self.faults = frozenset(faults)
        self.stale_metrics = self.families() if Fault.METRICS_STALE in self.faults else None
        if Fault.HANG in self.faults:
            self.batches.block()
        else:
            self.batches.unblock()

    def play(self, script: Script) -> None:
        """Report the values of a script from now on."""
        self._playing = Playing(script, time.monotonic())

    async def warm_up(self) -> None:
        """Compute the request that an engine sends to itself before it is ready; it can hang only after that."""
        self.batches.unblock()
        await self.batches.compute([WARMUP_TOKENS])
        self.set_faults(self.faults)

    async def stop(self) -> None:
        """Stop processing the queue."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    def families(self) -> list[Family]:
        """Return the current metric families."""
        return families_of(self.figures(), engine=self._settings.engine)

    def figures(self) -> Figures:
        """Return the current values."""
        own = self._own_figures()
        return own if self._playing is None else _dictated(own, self._playing, now=time.monotonic())

    def _own_figures(self) -> Figures:
        totals, gauges = self.batches.totals, self.batches.gauges
        delay = self._settings.behaviour.start_delay_seconds
        return Figures(
            in_flight=dict(self.traffic.active),
            received=dict(self.traffic.received),
            answered=dict(self.traffic.answered),
            gauge_running=gauges.running,
            gauge_waiting=gauges.waiting,
            live_running=self.batches.running,
            live_running_tokens=self.batches.running_tokens,
            live_waiting=self.batches.waiting,
            live_waiting_tokens=self.batches.waiting_tokens,
            prompt_tokens=totals.tokens,
            texts=totals.texts,
            aborted=totals.aborted,
            batches=totals.batches,
            busy_microseconds=totals.busy_microseconds,
            idle_seconds=max(0.0, time.monotonic() - self._started - totals.busy_seconds),
            startup_seconds={
                "load_weight": delay / 2,
                "kv_cache_allocation": delay / 10,
                "scheduler_e2e": delay,
                "tokenizer_e2e": delay,
            },
        )


def _dictated(own: Figures, playing: Playing, *, now: float) -> Figures:
    script = playing.script
    call = (EMBEDDINGS, "POST")
    tokens = playing.prompt_tokens(now=now)
    return Figures(
        in_flight={**own.in_flight, call: script.in_flight},
        received={**own.received, call: script.requests + script.refused_requests + script.in_flight},
        answered={**own.answered, (*call, 200): script.requests, (*call, 503): script.refused_requests},
        gauge_running=script.running_requests,
        gauge_waiting=script.waiting_requests,
        live_running=script.running_requests,
        live_running_tokens=0,
        live_waiting=script.waiting_requests,
        live_waiting_tokens=script.waiting_tokens,
        prompt_tokens=tokens,
        texts=script.requests,
        aborted=0,
        batches=own.batches,
        busy_microseconds=own.busy_microseconds,
        idle_seconds=own.idle_seconds,
        startup_seconds=own.startup_seconds,
    )
