"""Numbers over lanes behave as C's do: an array gives in each lane what the same integers give alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptlint.sim.values import (
    Scalar,
    Unknown,
    arithmetic,
    choose,
    combine,
    compare,
    distinct,
    distinct_rows,
    every,
    lane_of,
    narrow,
    negate,
    same_everywhere,
    some,
    to_bool,
)
from tests.sim.native import EDGES

WORDS = st.one_of(st.sampled_from(EDGES), st.integers(0, (1 << 64) - 1))
KINDS = st.tuples(st.sampled_from((1, 2, 4, 8)), st.booleans())
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4)


def _array(words: list[int], size: int, signed: bool) -> Scalar:
    return narrow(np.array(words, dtype=np.uint64), size, signed)


def _lanes(value: Scalar, count: int) -> list[int | None]:
    return [lane_of(value, lane) for lane in range(count)]


@given(
    st.sampled_from(["+", "-", "*", "&", "|", "^"]), KINDS, st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4)
)
def test_arrays_compute_what_their_lanes_compute_alone(
    op: str, kind: tuple[int, bool], pairs: list[tuple[int, int]]
) -> None:
    left, right = ([narrow(pair[side], *kind) for pair in pairs] for side in (0, 1))
    alone = [arithmetic(op, a, b, *kind) for a, b in zip(left, right, strict=True)]
    together = arithmetic(op, _array([p[0] for p in pairs], *kind), _array([p[1] for p in pairs], *kind), *kind)
    mixed = arithmetic(op, left[0], _array([p[1] for p in pairs], *kind), *kind)
    assert _lanes(together, len(pairs)) == alone
    assert _lanes(mixed, len(pairs)) == [arithmetic(op, left[0], b, *kind) for b in right]


@given(st.sampled_from(("<<", ">>")), KINDS, st.lists(st.tuples(WORDS, st.integers(-3, 70)), min_size=1, max_size=4))
def test_shifts_agree_however_far_they_go(op: str, kind: tuple[int, bool], pairs: list[tuple[int, int]]) -> None:
    values, counts = _array([p[0] for p in pairs], *kind), np.array([p[1] for p in pairs], dtype=np.int64)
    alone = [arithmetic(op, narrow(value, *kind), count, *kind) for value, count in pairs]
    assert _lanes(arithmetic(op, values, counts, *kind), len(pairs)) == alone
    assert _lanes(arithmetic(op, values, pairs[0][1], *kind), 1) == alone[:1]


@given(st.sampled_from(("/", "%")), KINDS, PAIRS)
def test_division_truncates_in_every_lane(op: str, kind: tuple[int, bool], pairs: list[tuple[int, int]]) -> None:
    pairs = [(a, b) for a, b in pairs if narrow(b, *kind)] or [(7, 3)]
    alone = [arithmetic(op, narrow(a, *kind), narrow(b, *kind), *kind) for a, b in pairs]
    together = arithmetic(op, _array([p[0] for p in pairs], *kind), _array([p[1] for p in pairs], *kind), *kind)
    assert _lanes(together, len(pairs)) == alone


@given(st.sampled_from(("==", "!=", "<", ">", "<=", ">=")), KINDS, WORDS, WORDS)
def test_comparisons_see_signs(op: str, kind: tuple[int, bool], a: int, b: int) -> None:
    alone = compare(op, narrow(a, *kind), narrow(b, *kind))
    assert _lanes(compare(op, _array([a], *kind), _array([b], *kind)), 1) == [alone]


def test_the_smallest_number_by_minus_one_wraps() -> None:
    smallest, minus_one = np.array([-(1 << 63)], dtype=np.int64), np.array([-1], dtype=np.int64)
    assert _lanes(arithmetic("/", smallest, minus_one, 8, True), 1) == [-(1 << 63)]
    assert arithmetic("/", -(1 << 31), -1, 4, True) == -(1 << 31)


def test_a_question_and_its_negation_are_one_question() -> None:
    vma = Unknown("vma->vm_flags")
    assert negate(compare("==", vma, 0)) == compare("!=", vma, 0)
    assert negate(negate(compare("<", vma, 5))) == compare("<", vma, 5)
    assert compare(">", 5, vma) == compare("<", vma, 5)
    assert compare("==", vma, vma) == 1


def test_an_unknown_knows_what_it_meets_by_all_lanes() -> None:
    same, differing = np.array([3, 3], dtype=np.uint64), np.array([3, 4], dtype=np.uint64)
    assert combine("&", Unknown("x"), same) == Unknown(("&", "x", 3))
    assert combine("&", Unknown("x"), differing) == combine("&", Unknown("x"), differing.copy())
    assert combine("&", Unknown("x"), differing) != combine("&", Unknown("x"), differing + 1)


def test_a_choice_between_unknowns_stays_known_where_they_are_one() -> None:
    mask = np.array([True, False])
    assert choose(mask, Unknown("x"), Unknown("x"), False) == Unknown("x")
    assert isinstance(choose(mask, Unknown("x"), 1, False), Unknown)
    assert _lanes(choose(mask, -1, 2, True), 2) == [-1, 2]
    assert _lanes(choose(mask, (1 << 64) - 1, 2, False), 2) == [(1 << 64) - 1, 2]


def test_bool_is_zero_or_one() -> None:
    assert to_bool(256) == 1
    assert _lanes(to_bool(np.array([0, 256], dtype=np.uint64)), 2) == [0, 1]


def test_masks_answer_for_some_and_every_lane() -> None:
    nobody, one, everybody = np.array([False, False]), np.array([False, True]), np.array([True, True])
    assert [some(mask) for mask in (nobody, one, everybody)] == [False, True, True]
    assert [every(mask) for mask in (nobody, one, everybody)] == [False, False, True]
    assert same_everywhere(np.array([5, 7]), one) == 7
    assert same_everywhere(np.array([5, 7]), everybody) is None
    assert same_everywhere(np.array([5, 7]), nobody) is None


def test_the_key_of_an_unknown_stays_short_and_equal_calculations_stay_equal() -> None:
    def grown(rounds: int) -> Unknown:
        value = Unknown("field")
        for _ in range(rounds):
            value = combine("+", value, value)
        return value

    assert grown(200) == grown(200)
    assert grown(200) != grown(201)
    assert len(str(grown(200).key)) < 4000


@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=1, max_size=12))
def test_the_different_numbers_and_rows_are_those_of_numpy(rows: list[list[int]]) -> None:
    table = np.array(rows, dtype=np.int64)
    assert distinct(table[:, 0]).tolist() == np.unique(table[:, 0]).tolist()
    assert distinct_rows(table).tolist() == np.unique(table, axis=0).tolist()
