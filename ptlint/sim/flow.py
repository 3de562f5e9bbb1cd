"""Control flow over lanes: what the statements of C do to the mask of lanes that run.

Every action leaves in the machine's mask the lanes that go on to the next statement. Lanes on their way to a label (by
``goto``, or by ``switch`` to a case) wait in the frame; an action whose statement holds such a label runs even when no
lane falls into it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ptlint.csrc import ast
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar, tested
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Action, Frame, Op, Run, Test
from ptlint.sim.machine import Machine
from ptlint.sim.values import Mask, Scalar, Unknown, compare, distinct, some


@dataclass(frozen=True, slots=True)
class Step:
    """A lowered statement: its labels (of itself and below) and whether lanes may leave in it."""

    run: Action
    labels: frozenset[str] = frozenset()
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """What a function returns that does nothing else, and the statement's place. ``plain`` tells that this follows from
    its parameters alone: no step, no question of others, no lane that stops.
    """

    op: Op
    pos: ast.Pos
    plain: bool


@dataclass(frozen=True, slots=True)
class Guard:
    """A variable with a cleanup function: ``armed`` is the slot of the lanes whose variable is alive."""

    armed: int
    cleanup: Run


def nothing(_frame: Frame) -> None:
    """Do nothing."""
    return


def stored(locate: Callable[[Frame], Scalar | None], size: int, init: Run, fresh: bool) -> Step:
    """Return the step that stores the initial value of a variable in memory; a *fresh* one is in no other lane."""

    def action(frame: Frame) -> None:
        value, address = init(frame), locate(frame)
        assert address is not None
        if fresh and isinstance(address, int):
            frame.machine.begin(address, size)
        if isinstance(value, Blob):
            frame.machine.store_blob(address, value)
        else:
            frame.machine.store(address, size, scalar(value))

    return Step(action, leaves=True)


def guarded(step: Step, guards: Sequence[Guard]) -> Step:
    """Return *step* and, for the lanes that left it by whatever way, the cleanups, last variable first."""
    if not guards:
        return step
    run, plan = step.run, [(guard.armed, guard.cleanup) for guard in reversed(guards)]

    def action(frame: Frame) -> None:
        run(frame)
        machine = frame.machine
        for slot, cleanup in plan:
            armed = frame.slots[slot]
            frame.slots[slot] = None
            if not isinstance(armed, np.ndarray) or not some(machine.without_dead(armed)):
                continue
            after, machine.mask = machine.mask, machine.without_dead(armed)
            cleanup(frame)
            machine.mask = machine.without_dead(after)
            frame.forget_dead()

    return Step(action, step.labels, step.leaves)


def failing(error: CannotExecute, pos: ast.Pos, function: str, labels: frozenset[str]) -> Step:
    """Return a step that reports what could not be lowered when a lane reaches it or jumps to one of *labels*."""
    what, where, at = error.what, error.function or function, error.pos or pos

    def action(frame: Frame) -> None:
        if some(frame.machine.mask) or not labels.isdisjoint(frame.pending):
            raise CannotExecute(what, at, where)

    return Step(action, labels, leaves=False)


def placed(step: Step, pos: ast.Pos) -> Step:
    """Return *step* as a statement at *pos*: it counts as one."""
    run = step.run
    if run is nothing:
        return step

    def action(frame: Frame) -> None:
        machine = frame.machine
        machine.pos = pos
        machine.done += 1
        if machine.done > machine.pause:  # a statement is the smallest thing there is: no call for it
            machine.tick(0)
        run(frame)

    return Step(action, step.labels, step.leaves)


def sequence(steps: Sequence[Step]) -> Step:
    """Return steps run one after the other, with jumps among them."""
    steps = [step for step in steps if step.run is not nothing]
    labels = frozenset().union(*(step.labels for step in steps))
    if not steps:
        return Step(nothing)
    if len(steps) == 1 and not labels:
        return steps[0]
    leaves = any(step.leaves for step in steps)
    plan = [(step.run, step.labels, step.leaves) for step in steps]

    def straight(frame: Frame) -> None:
        machine = frame.machine
        mask = machine.mask
        for run, _labels, may_leave in plan:
            run(frame)
            if may_leave and machine.mask is not mask:
                mask = machine.mask
                if mask is machine.nobody or not machine.runs():
                    return

    def jumping(frame: Frame) -> None:
        machine = frame.machine
        through: Mask | None = None
        while True:
            for run, inside, _may_leave in plan:
                if machine.runs() or not inside.isdisjoint(frame.pending):
                    run(frame)
            through = machine.mask if through is None else through | machine.mask
            if labels.isdisjoint(frame.pending):
                break
            machine.tick(1 + len(plan) // 8)  # what is passed over takes time, too
            frame.leave()
        machine.mask = through

    return Step(jumping if labels else straight, labels, leaves)


def branch(cond: Test, then: Step, other: Step, cond_leaves: bool) -> Step:
    """Return the step of ``if``: each arm runs in its lanes, if there are any."""
    labels = then.labels | other.labels
    if labels:
        return Step(_jumped_branch(cond, then, other), labels, then.leaves or other.leaves or cond_leaves)
    run_then, run_other = then.run, other.run

    def action(frame: Frame) -> None:
        machine = frame.machine
        truth = cond(frame)
        if isinstance(truth, bool):
            (run_then if truth else run_other)(frame)
            return
        entered = machine.mask
        yes = entered & truth
        if not some(yes):
            run_other(frame)
            return
        no = entered & ~truth
        if not some(no):
            run_then(frame)
            return
        machine.mask = yes
        run_then(frame)
        after = machine.mask
        machine.mask = no
        run_other(frame)
        machine.mask = entered if after is yes and machine.mask is no else after | machine.mask

    return Step(action, labels, then.leaves or other.leaves or cond_leaves)


def _jumped_branch(cond: Test, then: Step, other: Step) -> Action:
    """Return what an ``if`` does whose arms a jump may enter."""
    run_then, run_other = then.run, other.run

    def action(frame: Frame) -> None:
        machine = frame.machine
        truth = cond(frame) if some(machine.mask) else False
        entered = machine.mask
        if isinstance(truth, bool):
            yes, no = (entered, entered & False) if truth else (entered & False, entered)
        else:
            yes, no = entered & truth, entered & ~truth
        machine.mask = yes
        if some(yes) or not then.labels.isdisjoint(frame.pending):
            run_then(frame)
        after = machine.mask
        machine.mask = no
        if some(no) or not other.labels.isdisjoint(frame.pending):
            run_other(frame)
        machine.mask = after | machine.mask

    return action


def once(body: Step) -> Step:
    """Return ``do body while (0)``: a block that break and continue may leave."""
    if not body.leaves:
        return body
    run = body.run

    def action(frame: Frame) -> None:
        brk, cont = frame.begin_loop()
        run(frame)
        frame.machine.mask = frame.with_broken(frame.with_continued(frame.machine.mask))
        frame.brk, frame.cont = brk, cont

    return Step(action, body.labels, body.leaves)


def loop(cond: Op, body: Step, step: Run | None, do: bool) -> Step:
    """Return the step of a loop: lanes whose condition fails wait at its end for the others."""
    test, run_body, labels = tested(cond), body.run, body.labels
    always = bool(cond.const)

    def action(frame: Frame) -> None:
        machine = frame.machine
        started, ended = machine.mask, None
        brk, cont = frame.begin_loop()
        first, rounds = do, 0
        while True:
            rounds += 1
            machine.tick()
            if rounds > machine.limits.iterations:
                raise machine.no_end(f"{machine.limits.iterations} iterations")
            if not first and not always and machine.runs():
                ended = _stop(machine, test(frame), ended)
            first = False
            if not machine.runs() and labels.isdisjoint(frame.pending):
                break
            frame.cont = None
            run_body(frame)
            machine.mask = frame.with_continued(machine.mask)
            if step is not None and machine.runs():
                step(frame)
        result = frame.with_broken(machine.mask if ended is None else ended)
        frame.brk, frame.cont = brk, cont
        machine.mask = _same(started, machine.without_dead(result))

    return Step(action, labels, leaves=True)


def _stop(machine: Machine, truth: bool | Mask, ended: Mask | None) -> Mask | None:
    """Take the lanes whose condition fails out of a loop; return all that ended so far."""
    here = machine.mask
    if truth is True:
        return ended
    if isinstance(truth, bool):
        stop, machine.mask = here, machine.nobody
    else:
        stop = here & ~truth
        if not some(stop):
            return ended
        machine.mask = here & truth
    return stop if ended is None else ended | stop


def _same(started: Mask, result: Mask) -> Mask:
    """Return *started* itself when *result* has the same lanes: the same object tells that no lane left."""
    return result if some(result ^ started) else started


def jump(is_break: bool) -> Step:
    """Return the step of ``break`` or ``continue``."""

    def action(frame: Frame) -> None:
        mask = frame.machine.mask
        if is_break:
            frame.brk = mask if frame.brk is None else frame.brk | mask
        else:
            frame.cont = mask if frame.cont is None else frame.cont | mask
        frame.leave()

    return Step(action, leaves=True)


def goto(label: str) -> Step:
    """Return the step of ``goto``: the lanes wait until their label is reached."""

    def action(frame: Frame) -> None:
        _send(frame, label, frame.machine.mask)
        frame.leave()

    return Step(action, leaves=True)


def _send(frame: Frame, label: str, mask: Mask) -> None:
    if some(mask):
        waiting = frame.pending.get(label)
        frame.pending[label] = mask if waiting is None else waiting | mask


def switched(value: Run, tests: list[tuple[int, int, str]], default: str | None, body: Step) -> Step:
    """Return the step of ``switch``: *tests* are the lowest and highest value and the label of each case."""
    own = {label for _, _, label in tests} | ({default} if default else set())

    def action(frame: Frame) -> None:
        machine = frame.machine
        brk = frame.brk
        frame.brk = None
        started = machine.mask
        if some(started):
            rest = _dispatch(frame, scalar(value(frame)), tests)
            if default is not None:
                _send(frame, default, rest)
                rest = rest & False
        else:
            rest = started
        frame.leave()
        body.run(frame)
        result = frame.with_broken(machine.mask | rest)
        frame.brk = brk
        machine.mask = _same(started, result)

    return Step(action, body.labels - own, leaves=True)


MANY_CASES = 16
"""Cases from which on only those are looked at that a lane holds."""


def _dispatch(frame: Frame, value: Scalar, tests: list[tuple[int, int, str]]) -> Mask:
    """Send the current lanes to the cases they match; return those that match none."""
    machine = frame.machine
    rest = machine.mask
    if len(tests) > MANY_CASES and not isinstance(value, Unknown):
        there = [value] if isinstance(value, int) else distinct(value[rest]).tolist()
        tests = [test for test in tests if bisect_left(there, test[0]) < bisect_right(there, test[1])]
    for low, high, label in tests:
        if isinstance(value, Unknown):
            if low != high:
                raise CannotExecute("an unknown value in a case range", machine.pos, machine.function)
            hit = machine.truth(compare("==", value, low))
        elif isinstance(value, int):
            hit = low <= value <= high
        else:
            hit = (value >= low) & (value <= high)
        here = (rest if hit else rest & False) if isinstance(hit, bool) else rest & hit
        _send(frame, label, here)
        rest = rest & ~here
    return rest


def forget(frame: Frame, slot: int) -> None:
    """Make a variable indeterminate, unless a lane that is elsewhere may have set it."""
    if frame.is_whole(frame.machine.mask):
        frame.slots[slot] = None
