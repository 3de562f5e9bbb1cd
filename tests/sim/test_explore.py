"""Questions about unknown code are answered in every combination, lane by lane."""

from collections.abc import Hashable

import numpy as np
import pytest

from ptlint.sim.errors import OutOfBounds
from ptlint.sim.explore import Breach, contradictory, explore
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Memory
from ptlint.sim.values import Mask


def machine(lanes: int, answers: dict[Hashable, Mask]) -> Machine:
    return Machine(lanes, Memory(8, False), answers)


def test_every_combination_of_answers_is_run() -> None:
    def drive(base: np.ndarray[tuple[int, ...], np.dtype[np.int64]], answers: dict[Hashable, Mask]):  # type: ignore[no-untyped-def]  # noqa: ANN202
        run = machine(len(base), answers)
        first, second = run.ask("a()"), run.ask("b()")
        return run, [Breach("p", first & ~second, None, "a without b")], None

    trial = explore(3, drive)
    assert trial.exhaustive
    assert trial.machine.lanes == 3 * 4
    assert int(trial.breaches[0].mask.sum()) == 3


def test_a_question_that_another_answer_leads_to_is_asked_as_well() -> None:
    def drive(base: np.ndarray[tuple[int, ...], np.dtype[np.int64]], answers: dict[Hashable, Mask]):  # type: ignore[no-untyped-def]  # noqa: ANN202
        run = machine(len(base), answers)
        if run.ask("outer()").any():
            run.ask("inner()")
        return run, [], None

    assert explore(1, drive).questions == ("outer()", "inner()")


def test_code_that_never_stops_asking_is_out_of_bounds() -> None:
    count = 0

    def drive(base: np.ndarray[tuple[int, ...], np.dtype[np.int64]], answers: dict[Hashable, Mask]):  # type: ignore[no-untyped-def]  # noqa: ANN202
        nonlocal count
        count += 1
        run = machine(len(base), answers)
        run.ask(f"again({count})")
        return run, [], None

    with pytest.raises(OutOfBounds):
        explore(1, drive)


def test_an_unknown_cannot_equal_two_constants() -> None:
    yes, no = np.array([True, True, False]), np.array([True, False, True])
    answers: dict[Hashable, Mask] = {("==", "x", 0): yes, ("==", "x", 1): no, ("==", "y", 0): yes}
    assert contradictory(answers, 3).tolist() == [True, False, False]
