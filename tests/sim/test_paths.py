"""One lane for every way that answers take code, and none twice: the same as all combinations come to."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import product
from typing import TypeAlias

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ptlint.sim.explore import Breach, Trial, explore
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Memory
from ptlint.sim.paths import OPEN
from ptlint.sim.values import Differing, Mask

Tree: TypeAlias = "tuple[int, Tree, Tree] | None"
"""What code asks first, and what it does after no and after yes."""

LANES, QUESTIONS = 3, 5

trees: st.SearchStrategy[Tree] = st.recursive(
    st.none(), lambda below: st.tuples(st.integers(0, QUESTIONS - 1), below, below), max_leaves=24
)


def walked(machine: Machine, tree: Tree, mask: Mask, seen: NDArray[np.int64]) -> None:
    """Run a tree in the lanes of *mask*; note in *seen* (lanes, questions) what each was answered."""
    if tree is None or not mask.any():
        return
    question, no, yes = tree
    with machine.narrowed(mask):
        answer = machine.ask(f"q{question}()")
    seen[mask, question] = answer[mask]
    walked(machine, no, mask & ~answer, seen)
    walked(machine, yes, mask & answer, seen)


def ran(code: tuple[Tree, ...], later: Tree = None, after: Trial | None = None) -> Trial:
    """Explore code that is another tree in each lane; the properties ask *later* in all of them."""

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterator[Breach], object]:
        machine = Machine(len(base), Memory(8, False), answers)
        seen = np.full((len(base), QUESTIONS), OPEN)
        for lane, tree in enumerate(code):
            walked(machine, tree, base == lane, seen)

        def broken() -> Iterator[Breach]:
            walked(machine, later, machine.mask, seen)
            yield Breach("p", machine.mask, None, "")

        return machine, broken(), (base, seen)

    return explore(len(code), drive, after=after)


def ways(trial: Trial) -> list[tuple[int, ...]]:
    assert isinstance(trial.state, tuple)
    base, seen = trial.state
    return [(int(lane), *map(int, row)) for lane, row in zip(base, seen, strict=True)]


def expected(code: tuple[Tree, ...]) -> set[tuple[int, ...]]:
    """Return the ways of every lane, found by trying all combinations of answers."""
    found = set()
    for lane, tree in enumerate(code):
        for answers in product((0, 1), repeat=QUESTIONS):
            row: list[int] = [OPEN] * QUESTIONS
            here: Tree = tree
            while here is not None:
                question, no, yes = here
                row[question] = answers[question]
                here = yes if answers[question] else no
            found.add((lane, *row))
    return found


@given(st.tuples(*[trees] * LANES))
def test_every_way_has_a_lane(code: tuple[Tree, ...]) -> None:
    trial = ran(code)
    assert trial.exhaustive
    assert set(ways(trial)) == expected(code)
    assert trial.scenarios == LANES << len(trial.questions)


@given(st.tuples(*[trees] * LANES), st.tuples(*[trees] * LANES))
def test_what_another_trial_asked_changes_nothing(first: tuple[Tree, ...], code: tuple[Tree, ...]) -> None:
    assert set(ways(ran(code, after=ran(first)))) == expected(code)


def test_what_properties_ask_is_answered_both_ways_too() -> None:
    code: tuple[Tree, ...] = ((0, None, (1, None, None)),) * LANES
    trial = ran(code, later=(1, None, (2, None, None)))
    assert len(trial.breaches) == 1
    assert {row[2:4] for row in ways(trial)} == {(0, 2), (1, 0), (1, 1)}
    assert len(set(ways(trial))) == len(ways(trial)) == LANES * 6


def test_a_lane_that_is_not_asked_stays_one() -> None:
    code: tuple[Tree, ...] = (None, (0, None, (1, None, None)))
    trial = ran(code)
    assert sorted(ways(trial)) == [(0, 2, 2, 2, 2, 2), (1, 0, 2, 2, 2, 2), (1, 1, 0, 2, 2, 2), (1, 1, 1, 2, 2, 2)]
    assert trial.scenarios == 2 * 4


def test_ways_of_a_shorter_run_need_no_search() -> None:
    runs = []
    tree: Tree = (0, (1, None, None), (2, None, None))

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, list[Breach], object]:
        machine = Machine(len(base), Memory(8, False), answers)
        seen = np.full((len(base), QUESTIONS), OPEN)
        walked(machine, tree, machine.mask, seen)
        runs.append(len(base))
        return machine, [], (base, seen)

    first = explore(1, drive)
    assert runs == [1, 4, 4]
    assert explore(10, drive, after=first).machine.lanes == 40
    assert runs[3:] == [40]


def test_lanes_stand_in_the_order_of_their_answers() -> None:
    trial = ran(((0, (1, None, None), (1, None, None)),))
    assert ways(trial) == [(0, 0, 0, 2, 2, 2), (0, 1, 0, 2, 2, 2), (0, 0, 1, 2, 2, 2), (0, 1, 1, 2, 2, 2)]


def nested(depth: int) -> Tree:
    """Return code that asks all questions one after the other, whatever the answers."""
    return None if depth == QUESTIONS else (depth, nested(depth + 1), nested(depth + 1))


def test_where_there_is_no_room_for_all_ways_one_run_follows_those_of_a_shorter_one_that_came_to_something() -> None:
    lanes, most, runs = 8, 64, 0

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterator[Breach], object]:
        nonlocal runs
        runs += 1
        machine = Machine(len(base), Memory(8, False), answers)
        seen = np.full((len(base), QUESTIONS), OPEN)
        walked(machine, nested(0), machine.mask, seen)
        if len(base) > lanes:
            machine.ask("what only a longer run asks()")
        return machine, iter(()), (base, seen)

    def happens(machine: Machine) -> Mask:
        return machine.answers["q0()"] & machine.answers["q1()"]

    first = explore(lanes, drive, most, None, happens)
    before, longer = runs, explore(2 * lanes, drive, most, first, happens)
    assert runs == before + 1
    found, asked = ways(longer), longer.machine.answers["what only a longer run asks()"]
    assert not longer.exhaustive
    assert longer.scenarios == len(found) == most
    assert {lane for lane, *_ in found} == set(range(2 * lanes))
    assert [row[1:] for row in found[: 2 * lanes]] == [(0,) * QUESTIONS] * 2 * lanes
    assert not asked[: 2 * lanes].any()
    assert 0 < asked[2 * lanes :].sum() < most - 2 * lanes
    assert happens(longer.machine)[2 * lanes :].sum() > (most - 2 * lanes) / 2


def test_what_depends_on_the_values_of_all_lanes_is_not_drawn_when_it_is_asked() -> None:
    runs, depends = 0, True

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterator[Breach], object]:
        nonlocal runs
        runs += 1
        machine = Machine(len(base), Memory(8, False), answers)
        for question in range(4):
            machine.ask(("==", Differing(f"{len(base)} lanes") if depends else "x", question))
        return machine, iter(()), None

    def never(machine: Machine) -> Mask:
        return machine.nobody

    explore(8, drive, 64, None, never)
    assert runs == 4  # over few lanes, over many at once, and in rounds
    runs, depends = 0, False
    explore(8, drive, 64, None, never)
    assert runs == 2
