"""Gathers the trials of one subject to a judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ptlint.core.outcome import Counterexample
from ptlint.csrc.ast import NOWHERE, Pos
from ptlint.sim.counterexample import build
from ptlint.sim.driving import Ran
from ptlint.sim.errors import CannotExecute, NoEnd, OutOfBounds, UnsetRead
from ptlint.sim.explore import Breach, Trial
from ptlint.sim.inventory import used_by
from ptlint.sim.judgement import Assumption, Judgement, Violation
from ptlint.sim.program import Program
from ptlint.sim.values import Mask

Observers = Callable[[Ran, Trial, Breach], "tuple[tuple[str, ...], Mask]"]


@dataclass(slots=True)
class Tally:
    """What the runs of *subject* under *arch* came to so far. The first violation of a property is kept.

    ``general`` says that they start from every state that the roles of its parameters allow.
    """

    subject: str
    arch: str
    general: bool = False
    found: dict[str, Violation] = field(default_factory=dict)
    scenarios: int = 0
    exhaustive: bool = True
    executed: set[str] = field(default_factory=set)
    assumed: dict[str, tuple[str, Pos]] = field(default_factory=dict)
    stopped: tuple[str, Pos, str] | None = None
    exhausted: str = ""
    traces: list[Counterexample] = field(default_factory=list)
    longest: int = 0
    endless: bool = False

    def add(self, trial: Trial, *, raced: bool, observers: Observers | None = None) -> None:
        """Take in a trial; *observers* tells who acts on what a breach of ``old-pte`` gets wrong."""
        ran = trial.state
        assert isinstance(ran, Ran)
        self.scenarios += trial.scenarios
        self.exhaustive = self.exhaustive and trial.exhaustive and ran.space.exhaustive
        self.executed |= trial.machine.executed
        self.longest = max(self.longest, trial.machine.done)
        self.assumed.update(trial.machine.assumed)
        lanes = ran.lanes
        trial.weight = ran.colours.weight[lanes.states].sum(axis=1) * 8 + lanes.request + 2 * (lanes.slot + 1)
        if ran.session.program.trace:
            self._keep_run(ran, trial)
        for breach in trial.breaches:
            self._violation(ran, trial, breach, raced, observers)
        if not trial.breaches and not bool(ran.live.any()):
            self._nothing_finished(trial)

    def attempt(self, run: Callable[[], Trial], *, raced: bool, observers: Observers | None = None) -> Trial | None:
        """Run a trial and take it in. None where it reads what was never set: other sizes may come to their end."""
        try:
            trial = run()
        except UnsetRead as error:
            if self.stopped is None:
                self.stop(error)
            return None
        self.add(trial, raced=raced, observers=observers)
        return trial

    def _nothing_finished(self, trial: Trial) -> None:
        """Note that no lane came to its end and why the first did not: what nobody ran must not read as held."""
        fault = next((record for record in trial.machine.log if record.kind == "fault"), None)
        reason = "no scenario comes to its end" + (f": {fault.name}" if fault is not None else "")
        function = fault.stack[-1][0] if fault is not None and fault.stack else ""
        self.stopped = self.stopped or (reason, NOWHERE if fault is None else fault.pos, function)

    def _keep_run(self, ran: Ran, trial: Trial) -> None:
        """Keep the run of the lane in which the CPU writes most, of equals the lightest."""
        written = np.zeros(trial.machine.lanes, dtype=np.int64)
        for record in trial.machine.log:
            if record.kind == "write":
                written += record.mask
        live = ran.live
        most = live & (written == written[live].max()) if bool(live.any()) else live
        if bool(most.any()):
            self.traces.append(build(ran, trial, Breach("run", most, None, ""), self.arch, ""))

    def _violation(self, ran: Ran, trial: Trial, breach: Breach, raced: bool, observers: Observers | None) -> None:
        key = f"{breach.property}/race" if raced and breach.property == "accessed-dirty" else breach.property
        key, still = f"{key}/{breach.kind}", f"{breach.property}/{breach.kind}"
        if key in self.found or (raced and still in self.found):
            return
        observed: tuple[str, ...] = ()
        if breach.property == "old-pte" and observers is not None:
            observed, lanes = observers(ran, trial, breach)
            breach.mask = lanes if observed else breach.mask
        example = build(ran, trial, breach, self.arch, breach.detail)
        self.found[key] = Violation(
            breach.property,
            raced,
            breach.detail,
            breach.expected,
            example,
            blame_of(breach),
            breach.suspect,
            observed,
            breach.kind,
            breach.compared,
        )

    def stop(self, error: CannotExecute | OutOfBounds) -> None:
        """Note why the runs could not be finished."""
        if isinstance(error, OutOfBounds):
            self.exhausted = error.what
        if isinstance(error, NoEnd):
            self.endless = True
            self.executed |= error.executed
        if not isinstance(error, OutOfBounds):
            self.stopped = (error.what, error.pos or NOWHERE, error.function)

    def is_idle(self, program: Program) -> bool:
        """Return whether the runs so far used nothing that is of interest, so that more of them are not needed."""
        if program.interest is None or program.interest & set(self.subject.split("+")):
            return False
        return not program.interest & used_by(program, self.executed)

    def judgement(self, program: Program) -> Judgement:
        """Return all of it."""
        return Judgement(
            self.subject,
            self.arch,
            tuple(self.found.values()),
            self.scenarios,
            self.exhaustive and self.stopped is None and not self.exhausted,
            frozenset(self.executed),
            used_by(program, self.executed),
            tuple(Assumption(name, what, pos) for name, (what, pos) in sorted(self.assumed.items())),
            self.stopped,
            self.exhausted,
            traces=tuple(self.traces),
            general=self.general,
            longest=self.longest,
            endless=self.endless,
        )


def blame_of(breach: Breach) -> tuple[tuple[str, Pos], ...]:
    """Return the chain of calls to the step that broke the property, outermost first, each with where it was left."""
    record = breach.record
    if record is None or not record.stack:  # none: the step is the scenario's own, through a macro
        return ()
    left = [pos for _, pos in record.stack[1:]] + [record.pos]
    return tuple((name, pos) for (name, _), pos in zip(record.stack, left, strict=True))
