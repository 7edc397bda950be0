import pytest
from embedding_operator.simulation.clairvoyant_work import work_of
from embedding_operator.simulation.synthetic import diurnal

from benchmarks.simulation.bounds import bounds
from benchmarks.simulation.results import Kind
from benchmarks.simulation.summary import CLAIRVOYANT, FORESIGHT, rows
from tests.unit.simulation.documents import document, run
from tests.unit.simulation.test_clairvoyant_bounds import HOUR, SLOW, pool, setup

pytestmark = pytest.mark.simulation

AWS = {"a10": 1.0, "t4": 0.4}
MAINLAND = {"a10": 9.5, "t4": 11.6}


def test_bounds_are_runs_in_every_price_table_that_others_are_compared_with() -> None:
    both = setup(diurnal(rate=200.0, days=0.5), pool(low=0), pool("t4", server=SLOW, low=0), end=11 * HOUR)
    best, forecast = bounds(work_of(both), setup=both, scenario="a10+t4", prices={"aws": AWS, "mainland": MAINLAND})
    assert (best.key.policy, forecast.key.policy) == (CLAIRVOYANT, FORESIGHT)
    assert {best.kind, forecast.kind} == {Kind.BOUND}
    assert best.measured_days == pytest.approx(10 / 24)
    assert best.cost["aws"] == pytest.approx(sum(AWS[name] * hours for name, hours in best.node_hours.items()))
    assert best.node_hours["t4"] > 0
    # Where a T4 costs more than an A10 there is no use for it, and both bounds are of the A10 alone.
    assert best.cost["mainland"] <= forecast.cost["mainland"] == pytest.approx(9.5 * forecast.node_hours["a10"])
    assert best.pod_starts_per_day <= best.events_per_day * 8
    theirs = run("KubeAI", cost=99, scenario="a10+t4", start="D1", seed=1, pools=("a10", "t4"))
    (row,) = [row for row in rows(document(best, forecast, theirs), prices="aws") if row.policy == "KubeAI"]
    assert row.ratio is not None
    assert row.ratio.mean == pytest.approx(99 * 7 / best.cost["aws"])
