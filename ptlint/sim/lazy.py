"""The lazy MMU mode: updates of page tables that software queues until it leaves the mode (include/linux/pgtable.h).

Whether the mode is on where a scenario begins is a question, explored both ways; what the scenario itself switches on
is known. A scenario calls ``drain`` where its caller must have left the mode: before the page-table lock is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ast import Pos
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.sim.machine import Machine

AT_ENTRY = "lazy MMU mode is on"
"""The question of a scenario that begins inside a lazy section."""


@dataclass(slots=True)
class Deferred:
    """A queued update: the lanes that still owe it, what does it, and where it was queued."""

    mask: Mask
    act: Callable[[Machine], None]
    pos: Pos
    function: str
    stack: tuple[tuple[str, Pos], ...]


@dataclass(slots=True)
class Lazy:
    """The mode of every lane: sections entered and pauses since the scenario began, and the queue in order."""

    entered: NDArray[np.int64]
    paused: NDArray[np.int64]
    queue: list[Deferred] = field(default_factory=list)


def off(lanes: int) -> Lazy:
    """Return the state at the start of a run."""
    return Lazy(np.zeros(lanes, dtype=np.int64), np.zeros(lanes, dtype=np.int64))


def is_active(machine: Machine) -> Mask:
    """Return the lanes in which the mode is on; asks how the scenario began where that decides."""
    lazy = machine.lazy
    known = (lazy.entered > 0) | (lazy.paused > 0)
    active: Mask = lazy.entered > 0
    if not bool(known[machine.mask].all()):
        active = active | machine.ask(AT_ENTRY)
    result: Mask = active & (lazy.paused == 0)
    return result


def defer(machine: Machine, act: Callable[[Machine], None]) -> None:
    """Queue an update for the current lanes."""
    machine.lazy.queue.append(Deferred(machine.mask, act, machine.pos, machine.function, tuple(machine.stack)))


def drain(machine: Machine) -> None:
    """Do what is queued for the current lanes, in order; each is noted where it was queued."""
    lanes = machine.mask
    left: list[Deferred] = []
    for one in machine.lazy.queue:
        due = machine.without_dead(one.mask & lanes)
        if bool(due.any()):
            saved = machine.pos, machine.function, machine.stack
            machine.pos, machine.function, machine.stack = one.pos, one.function, list(one.stack)
            with machine.narrowed(due):
                one.act(machine)
            machine.pos, machine.function, machine.stack = saved
        one.mask = one.mask & ~lanes
        if bool(one.mask.any()):
            left.append(one)
    machine.lazy.queue = left
