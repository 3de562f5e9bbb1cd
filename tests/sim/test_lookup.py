"""What an expression gives for an entry is looked up where the entry alone decides it, and is what running it gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlint.sim import session as sessions
from ptlint.sim.lookup import MOST_VALUES, Answered, Lookup
from ptlint.sim.session import Session
from tests.sim.native import program_of

LANES = 256

HELPERS = """
typedef struct { unsigned long pte; } pte_t;
static inline int pte_young(pte_t pte) { return !!(pte.pte & 32); }
static inline unsigned long pte_pfn(pte_t pte) { return pte.pte >> 12; }
extern unsigned long secret(void);
static inline int pte_secret(pte_t pte) { return secret() ? !!(pte.pte & 1) : 0; }
"""


@given(st.lists(st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=40), min_size=1, max_size=12))
def test_every_lane_gets_the_number_of_its_value(rounds: list[list[int]]) -> None:
    lookup = Lookup()
    for values in rounds:
        raw = np.array(values, dtype=np.uint64)
        codes = lookup.codes(raw)
        assert codes is not None
        assert (lookup.values[codes] == raw).all()
    assert len(np.unique(lookup.values)) == len(lookup.values)


def test_answers_for_values_that_come_later_are_added() -> None:
    lookup, asked = Lookup(), []

    def double(values: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Answered:
        asked.extend(values.tolist())
        return Answered(values * np.uint64(2), values != 0, frozenset())

    for raw in (np.array([5, 7], dtype=np.uint64), np.array([7, 9], dtype=np.uint64)):
        codes = lookup.codes(raw)
        known = lookup.answered("2 * x", double)
        assert codes is not None
        assert known is not None
        assert (known.numbers[codes] == raw * np.uint64(2)).all()
    assert sorted(asked) == [0, 5, 7, 9]


def test_more_values_than_are_kept_are_not_taken_in() -> None:
    lookup = Lookup()
    assert lookup.codes(np.arange(MOST_VALUES + 1, dtype=np.uint64)) is None
    assert len(lookup.values) == 1


def test_a_predicate_is_run_over_each_entry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(program_of(HELPERS), LANES)
    raw = np.random.default_rng(3).choice(np.array([0, 32, 0x5020, 0x6000], dtype=np.uint64), LANES)
    first = session.holds("pte_young", raw)
    monkeypatch.setattr(sessions.Session, "_run_number", lambda *_: pytest.fail("it is run again"))
    assert (first == ((raw & np.uint64(32)) != 0)).all()
    assert (session.holds("pte_young", raw.copy()) == first).all()
    assert any(name.endswith(":pte_young") for name in session.machine.executed)


def test_what_unknown_code_decides_is_run_in_its_own_lanes() -> None:
    answer = np.arange(LANES) % 2 == 0
    program = program_of(HELPERS)
    asking = Session(program, LANES)
    asking.run("pte_secret(pte)", pte=("pte_t", asking.entry(np.full(LANES, 1, dtype=np.uint64))))
    question = next(iter(asking.machine.asked), None)
    assert question is not None
    session = Session(program, LANES, {question: answer})
    assert (session.holds("pte_secret", np.full(LANES, 1, dtype=np.uint64)) == answer).all()
