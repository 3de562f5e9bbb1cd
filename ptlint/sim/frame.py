"""One activation of a function, and what lowering turns C into: closures over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ptlint.csrc.ctypes import CRecord, CType, CVoid
from ptlint.sim.blob import Blob, merge, zero
from ptlint.sim.machine import Machine
from ptlint.sim.types import size_of
from ptlint.sim.values import Mask, Scalar, choose, some

Value: TypeAlias = "Scalar | Blob | None"
Run: TypeAlias = "Callable[[Frame], Value]"
Test: TypeAlias = "Callable[[Frame], bool | Mask]"
Action: TypeAlias = "Callable[[Frame], None] | Run"


class Frame:
    """Variables of one call. ``pending`` holds lanes on their way to a label, ``brk`` and ``cont`` those out of a loop.

    Slots hold a scalar, a blob, or (for a variable whose address is taken) the address of its object.
    """

    __slots__ = ("brk", "cont", "entry", "machine", "pending", "ret", "slots")

    def __init__(self, machine: Machine, size: int) -> None:
        self.machine = machine
        self.slots: list[Value] = [None] * size
        self.ret: Value = None
        self.entry: Mask = machine.mask
        self.pending: dict[str, Mask] = {}
        self.brk: Mask | None = None
        self.cont: Mask | None = None

    def assign(self, slot: int, value: Value, signed: bool) -> None:
        """Set a variable in the current lanes. Nobody changes a structure that variables hold: they may share it."""
        new, old = value, self.slots[slot]
        mask = self.machine.mask
        if old is None or self.is_whole(mask):
            self.slots[slot] = new
        elif isinstance(new, Blob):
            assert isinstance(old, Blob)
            self.slots[slot] = merge(mask, new, old)
        else:
            assert new is not None
            assert not isinstance(old, Blob)
            self.slots[slot] = choose(mask, new, old, signed)

    def begin(self, slot: int, value: Value) -> None:
        """Set a variable where its life begins: no other lane has it, or what it held in a round of a loop before."""
        self.slots[slot] = value

    def is_whole(self, mask: Mask) -> bool:
        """Return whether *mask* has all lanes that this call has."""
        return mask is self.entry or not some(self.entry & ~mask)

    def forget_dead(self) -> None:
        """Take stopped lanes out of those that wait."""
        alive = self.machine.without_dead
        self.pending = {label: alive(mask) for label, mask in self.pending.items() if some(alive(mask))}
        self.brk = None if self.brk is None else alive(self.brk)
        self.cont = None if self.cont is None else alive(self.cont)

    def begin_loop(self) -> tuple[Mask | None, Mask | None]:
        """Let no lane be out of a loop that begins; return those that are out of the one around it."""
        outer = self.brk, self.cont
        self.brk = self.cont = None
        return outer

    def with_broken(self, mask: Mask) -> Mask:
        """Return *mask* and the lanes that broke out of the loop or switch."""
        return mask if self.brk is None else mask | self.brk

    def with_continued(self, mask: Mask) -> Mask:
        """Return *mask* and the lanes that went on to the loop's next round."""
        return mask if self.cont is None else mask | self.cont

    def leave(self) -> None:
        """Take the current lanes out of the running ones: they returned, broke out or jumped."""
        self.machine.mask = self.machine.nobody

    def returned(self, value: Value, signed: bool) -> None:
        """Record what the current lanes return, and take them out."""
        if value is not None:
            mask = self.machine.mask
            if self.ret is None or mask is self.entry:
                self.ret = value
            elif isinstance(value, Blob):
                assert isinstance(self.ret, Blob)
                self.ret = merge(mask, value, self.ret)
            else:
                assert not isinstance(self.ret, Blob)
                self.ret = choose(mask, value, self.ret, signed)
        self.leave()


@dataclass(frozen=True, slots=True)
class Op:
    """A lowered expression: its C type, how to run it, and its value when that is constant.

    ``bits`` is the width of a bit-field of more than 32 bits, and of what is made of one: compilers differ in whether
    arithmetic on it is done in that width. ``test`` tells whether the value is not 0, without making it a number.
    """

    type: CType
    run: Run
    const: int | None = None
    bits: int | None = None
    test: Test | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A lowered lvalue. ``locate`` runs once per use (an address, or None for a variable in a slot).

    ``load`` and ``store`` take what ``locate`` gave; ``read`` is ``locate`` and ``load`` in one. ``addressable`` tells
    whether ``locate`` gives an address. What is not in memory is ``offset`` bytes into the variable in ``slot``, which
    ``variable`` reads.
    """

    type: CType
    locate: Callable[[Frame], Scalar | None]
    load: Callable[[Frame, Scalar | None], Value]
    store: Callable[[Frame, Scalar | None, Value], None]
    addressable: bool
    bits: int | None = None
    """The width of a bit-field."""
    read: Run | None = None
    slot: int | None = None
    offset: int = 0
    variable: Run | None = None


def nothing_of(type: CType, big_endian: bool) -> Value:
    """Return what stands for a value of *type* that no lane computes: all of them left before."""
    if isinstance(type, CRecord):
        return Blob(size_of(type), big_endian, zero)
    return None if isinstance(type, CVoid) else 0
