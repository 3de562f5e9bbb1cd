"""What the trials of a subject come to: what nobody ran to its end does not hold."""

from dataclasses import replace

import numpy as np

from ptlint.sim.driving import FIRST, Ran, setting
from ptlint.sim.explore import Trial
from ptlint.sim.program import Program
from ptlint.sim.scenarios import protocol
from ptlint.sim.space import still
from ptlint.sim.tally import Tally
from tests.sim.reference_program import program_with


def one_trial(program: Program) -> Trial:
    pair = next(iter(protocol.subjects(program)))
    shared = setting(program, 3)
    return protocol.run_pair(shared, pair, 1, FIRST, still(shared.colours, 1, 256))


def test_a_trial_without_breaches_holds() -> None:
    program = program_with()
    tally = Tally("pair", "reference")
    tally.add(one_trial(program), raced=False)
    judgement = tally.judgement(program)
    assert judgement.is_whole
    assert not judgement.violations


def test_a_trial_in_which_no_lane_counts_is_told_as_stopped() -> None:
    program = program_with()
    trial = one_trial(program)
    assert isinstance(trial.state, Ran)
    trial.state = replace(trial.state, usable=np.zeros(trial.machine.lanes, dtype=bool))
    tally = Tally("pair", "reference")
    tally.add(trial, raced=False)
    judgement = tally.judgement(program)
    assert judgement.stopped is not None
    assert judgement.stopped[0] == "no scenario comes to its end"
    assert not judgement.is_whole
