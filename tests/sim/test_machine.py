"""The bounds of a run count what it does, so that they mean the same on every machine."""

import pytest

from ptlint.sim.bounds import LANES_OF_WORK, LONG_WORK, MOST_FAR, SHORT, Limits, Ration
from ptlint.sim.errors import OutOfBounds
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Memory


def machine(lanes: int = 1, **limits: int) -> Machine:
    return Machine(lanes, Memory(8, False), limits=Limits(**limits))


def ticks_until_the_end(subject: Machine) -> int:
    for count in range(10_000):
        try:
            subject.tick()
        except OutOfBounds:
            return count
    raise AssertionError("it never ends")


def run(ration: Ration, machines: int, statements: int) -> None:
    """Let so many machines run one after the other, each so many statements."""
    for _ in range(machines):
        subject = Machine(1, Memory(8, False), ration=ration)
        for _ in range(statements):
            subject.tick()


def test_statements_are_counted() -> None:
    assert ticks_until_the_end(machine(statements=70)) == 70


def test_a_statement_over_many_lanes_is_more_work() -> None:
    few = ticks_until_the_end(machine(1, work=1000))
    many = ticks_until_the_end(machine(9 * LANES_OF_WORK, work=1000))
    assert (few, many) == (1000, 100)


def test_the_bound_that_was_met_is_named() -> None:
    with pytest.raises(OutOfBounds, match="more than 5 statements"):
        machine(statements=5).tick(6)
    with pytest.raises(OutOfBounds, match="more than 5 of work"):
        machine(work=5).tick(6)


def test_reading_source_is_no_statement_and_has_its_own_bound() -> None:
    subject = machine(statements=5, reading=50)
    subject.read(50)
    subject.tick()
    with pytest.raises(OutOfBounds, match="50 expressions"):
        subject.read(1)


def test_machines_share_what_their_program_may_take() -> None:
    ration = Ration(5_000)
    for _ in range(4):
        long = Machine(1, Memory(8, False), ration=ration)
        for _ in range(1_050):
            long.tick()
    with pytest.raises(OutOfBounds, match="more than 5000 of work for one patch"):
        Machine(1, Memory(8, False), ration=ration).tick(200)
    assert ration.is_spent


def test_runs_without_an_end_may_take_less_than_all() -> None:
    ration = Ration(50_000, 5_000)
    Machine(1, Memory(8, False), ration=ration).tick(20_000)
    assert not ration.is_spent
    ration.settle(6_000, ended=False)
    assert ration.is_spent
    Machine(1, Memory(8, False), ration=ration).tick(200)
    ration.settle(1_000, ended=True)
    with pytest.raises(OutOfBounds, match="more than 5000 of work without an end for one patch"):
        run(ration, SHORT, 200)  # a short one goes on, a long one does not
    ration.settle(5_000, ended=False)
    with pytest.raises(OutOfBounds, match="more than 5000 of work without an end for one patch"):
        Machine(1, Memory(8, False), ration=ration).tick(200)


def test_long_runs_share_what_they_may_take_beyond_short_ones() -> None:
    ration = Ration(vain=1_000_000, whole="all profiles")
    told = f"more than {SHORT} statements, and {MOST_FAR} of long runs for all profiles"
    with pytest.raises(OutOfBounds, match=told):
        run(ration, MOST_FAR // 10_000 + 3, SHORT + 10_000)
    assert ration.is_spent
    run(ration, 100, SHORT)
    with pytest.raises(OutOfBounds, match=told):
        run(ration, 1, SHORT + 1_000)


def test_what_comes_to_no_end_under_two_profiles_is_run_on_no_other() -> None:
    ration = Ration(vain=1_000_000, whole="all profiles")
    for subject, taken in (("spin", LONG_WORK + 1), ("ask", 10), ("ask", 10), ("ask", 10)):
        ration.settle(taken, ended=False, subject=subject)
    ration.settle(LONG_WORK + 1, ended=True, subject="walk")
    assert not ration.gives_up("spin")
    ration.settle(LONG_WORK + 1, ended=False, subject="spin")
    assert not ration.gives_up("ask")
    assert ration.gives_up("spin") == "it came to no end under 2 other profiles"
    assert not ration.gives_up("walk")
