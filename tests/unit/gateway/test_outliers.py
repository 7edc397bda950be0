"""Which engines get no requests because of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway.outliers import FIRST_SECONDS, LONGEST_SECONDS, Outliers, judged
from embedding_operator.gateway.plan import plan
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.haproxy_model import after
from tests.unit.gateway.test_plan import endpoint, server


@dataclass
class Scene:
    """Engines that answer, looked at once a second; HAProxy's servers follow the agent's commands."""

    servers: dict[str, Server]
    outliers: Outliers = field(default_factory=Outliers)
    now: float = 0.0

    def second(self, **answers: tuple[int, int]) -> frozenset[str]:
        """Let engines give answers, of which some are failures; return the outliers."""
        for name, (count, failures) in answers.items():
            known = self.servers[name]
            self.servers[name] = replace(known, answers=known.answers + count, failures=known.failures + failures)
        self.now += 1
        self.outliers = judged(self.outliers, self.servers.values(), now=self.now)
        commands = plan(self.outliers.applied([endpoint(name) for name in self.servers]), self.servers.values())
        self.servers = {each.name: each for each in after(self.servers.values(), commands)}
        return self.outliers.out

    def passes(self, seconds: float) -> frozenset[str]:
        """Let time pass in which nothing is asked."""
        self.now += seconds
        return self.second()

    def admitted(self) -> set[str]:
        return {name for name, each in self.servers.items() if each.admitted}


def scene(names: str) -> Scene:
    made = Scene({name: server(name) for name in names})
    assert made.second() == frozenset()
    return made


def test_an_engine_that_fails_gets_no_requests() -> None:
    engines = scene("ab")
    assert engines.second(a=(200, 200), b=(20, 0)) == {"a"}
    assert engines.admitted() == {"b"}


def test_it_comes_back_for_one_request_at_a_time_until_it_answers_well() -> None:
    engines = scene("ab")
    engines.second(a=(200, 200), b=(20, 0))
    assert engines.passes(FIRST_SECONDS) == frozenset()
    assert engines.admitted() == {"a", "b"}
    assert engines.servers["a"].max_connections == 1
    engines.second(a=(9, 0))
    assert engines.servers["a"].max_connections == 1
    engines.second(a=(1, 0))
    assert engines.servers["a"].max_connections == 4


def test_it_stays_out_longer_each_time_it_fails_again() -> None:
    engines = scene("ab")
    for seconds in (30, 60, 120, 240, LONGEST_SECONDS, LONGEST_SECONDS):
        assert engines.second(a=(5, 5), b=(20, 0)) == {"a"}
        assert engines.passes(seconds - 2) == {"a"}
        assert engines.passes(1) == frozenset()
    engines.second(a=(10, 0))
    engines.second(a=(10, 10))
    assert engines.passes(FIRST_SECONDS) == frozenset()


def test_a_few_failures_do_not_count() -> None:
    engines = scene("ab")
    assert engines.second(a=(4, 4), b=(20, 0)) == frozenset()
    assert engines.second(a=(6, 0), b=(20, 0)) == frozenset()
    assert engines.second(a=(30, 12), b=(20, 0)) == frozenset()


def test_seldom_requests_are_counted_together() -> None:
    engines = scene("ab")
    assert [bool(engines.second(a=(1, 1), b=(1, 0))) for _ in range(5)] == [False] * 4 + [True]


@pytest.mark.parametrize("names", ["a", "ab", "abc", "abcd"])
def test_what_every_engine_fails_at_takes_none_out(names: str) -> None:
    engines = scene(names)
    for _ in range(10):
        assert engines.second(**dict.fromkeys(names, (50, 50))) == frozenset()


def test_half_of_the_engines_keep_serving() -> None:
    engines = scene("abcde")
    assert engines.second(a=(9, 9), b=(9, 9), c=(9, 9), d=(9, 0), e=(90, 0)) == {"a", "b"}


def test_an_engine_that_fails_serves_where_the_others_are_down() -> None:
    engines = scene("ab")
    engines.second(a=(200, 200), b=(20, 0))
    engines.servers["b"] = replace(engines.servers["b"], running=False)
    assert engines.second() == frozenset()
    assert engines.admitted() == {"a", "b"}
    assert engines.servers["a"].max_connections == 4
    assert engines.second(a=(50, 50)) == frozenset()


def test_another_haproxy_counts_from_the_beginning() -> None:
    engines = scene("ab")
    engines.second(a=(100, 0), b=(100, 0))
    engines.servers = {name: server(name) for name in "ab"}
    assert engines.second(a=(6, 6), b=(6, 0)) == {"a"}


def test_an_engine_that_is_gone_is_forgotten() -> None:
    engines = scene("ab")
    engines.second(a=(200, 200), b=(20, 0))
    del engines.servers["a"]
    assert engines.second() == frozenset()
    assert set(engines.outliers.records) == {"b"}


ANSWERS = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (sum(pair), pair[1]))
)


@given(st.lists(ANSWERS, max_size=30), st.sampled_from(["a", "ab", "abc", "abcde"]))
def test_at_least_half_are_admitted_at_any_time(seconds: list[Mapping[str, tuple[int, int]]], names: str) -> None:
    engines = scene(names)
    for answers in seconds:
        engines.second(**{name: each for name, each in answers.items() if name in names})
        assert 2 * len(engines.admitted()) >= len(names)
        assert engines.admitted() == set(names) - engines.outliers.out
