"""The clock of a run counts what runs, and what is read on the way by a clock of its own."""

import time

import pytest

from ptlint.sim.errors import OutOfBounds
from ptlint.sim.machine import Limits, Machine
from ptlint.sim.memory import Memory

SHORT = Limits(seconds=0.05, reading=0.05)


def machine(limits: Limits = SHORT) -> Machine:
    return Machine(1, Memory(8, False), limits=limits)


def spend(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def run(subject: Machine, seconds: float) -> None:
    with subject.running():
        spend(seconds)
        looked_at(subject)


def looked_at(subject: Machine) -> None:
    """Tick often enough for the clock to be read."""
    for _ in range(32):
        subject.tick()


def test_time_in_runs_adds_up() -> None:
    subject = machine()
    run(subject, 0.03)
    with pytest.raises(OutOfBounds, match="seconds"):
        run(subject, 0.03)


def test_time_between_runs_is_not_counted() -> None:
    subject = machine()
    run(subject, 0.0)
    spend(0.1)
    run(subject, 0.0)


def test_a_run_within_a_run_does_not_start_anew() -> None:
    subject = machine()
    with subject.running():
        spend(0.03)
        with pytest.raises(OutOfBounds, match="seconds"):
            run(subject, 0.03)


def test_reading_source_is_not_running() -> None:
    subject = machine(Limits(seconds=0.05, reading=60.0))
    with subject.running():
        with subject.reading(), subject.reading():
            spend(0.1)
        looked_at(subject)


def test_reading_source_has_its_own_bound() -> None:
    subject = machine(Limits(seconds=60.0, reading=0.05))
    with pytest.raises(OutOfBounds, match="reading"), subject.running(), subject.reading():
        spend(0.1)
