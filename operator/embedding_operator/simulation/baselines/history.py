import math

import numpy as np

from embedding_operator.simulation.baselines.daily_plan import DAY_SECONDS
from embedding_operator.simulation.baselines.training import MINUTE_SECONDS, TrainingWeek
from embedding_operator.simulation.clairvoyant_work import busy_seconds, measured
from embedding_operator.simulation.simulation import Setup


def training_week_of(setup: Setup) -> TrainingWeek:
    """Return what a week that was recorded teaches about its first pool.

    What a replica computes is taken from the requests themselves: whoever writes a threshold down has measured it.
    """
    first = int(setup.begin // DAY_SECONDS) * DAY_SECONDS
    loads = np.full(math.ceil((setup.end - first) / MINUTE_SECONDS), math.nan)
    for begin, end in measured(setup):
        busy = busy_seconds(setup, begin=begin, end=end, bin_seconds=MINUTE_SECONDS)[0].max(axis=0)
        place = round((begin - first) / MINUTE_SECONDS)
        loads[place : place + len(busy)] = busy / MINUTE_SECONDS
    pool = setup.pools[0]
    return TrainingWeek(
        pool=pool.name,
        tokens_per_second=pool.server.capacity(tokens_per_request=_mean_length(setup), outstanding=setup.door),
        load_by_minute=tuple(loads.tolist()),
    )


def _mean_length(setup: Setup) -> float:
    """Return the mean tokens of a request, by the trace's own account."""
    windows = list(setup.trace.windows(begin=setup.begin, end=setup.end))
    requests = float(setup.trace.rates[windows].sum())
    return float(setup.trace.token_rates()[windows].sum()) / requests if requests > 0 else 1.0
