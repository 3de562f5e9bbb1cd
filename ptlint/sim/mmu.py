"""The MMU: hardware that sets accessed and dirty bits in valid entries, between any two steps of the CPU.

What the bits are comes from the profile, in the architecture's own words (``[mmu]``: names of macros and expressions
over them, evaluated in the universe), so a tree that moves a bit moves it here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.convert import scalar
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.values import Mask, Unknown, distinct

if TYPE_CHECKING:
    from ptlint.sim.program import Program
    from ptlint.sim.session import Session


@dataclass(frozen=True, slots=True)
class Hardware:
    """How the walker reads and changes an entry; masks are of the entry's value in the CPU's byte order.

    ``valid``: bits that must all be set for the walker to use the entry. ``accessed``: set on any access. ``write``:
    bits that must all be set for a store to go through; a store sets ``dirty_set`` and clears ``dirty_clear``.
    ``size`` is in bytes; ``swapped`` means that memory holds the value in the other byte order.
    """

    valid: int
    accessed: int
    write: int
    dirty_set: int
    dirty_clear: int
    size: int
    swapped: bool = False

    @property
    def updates(self) -> bool:
        """Return whether this hardware changes entries at all."""
        return bool(self.accessed or self.dirty_set or self.dirty_clear)

    def touched(self, raw: NDArray[np.uint64], store: bool) -> tuple[NDArray[np.uint64], Mask]:
        """Return what entries become when accessed (stored to), and where that is allowed and a change."""
        value = self._swap(raw)
        allowed = (value & np.uint64(self.valid)) == np.uint64(self.valid)
        if not self.valid:
            allowed = np.zeros(raw.shape, dtype=bool)
        new = value | np.uint64(self.accessed)
        if store:
            allowed &= (value & np.uint64(self.write)) == np.uint64(self.write)
            new = (new | np.uint64(self.dirty_set)) & ~np.uint64(self.dirty_clear)
        changed: Mask = allowed & (new != value)
        return self._swap(np.where(changed, new, value)), changed

    def is_valid(self, raw: NDArray[np.uint64]) -> Mask:
        """Return where the walker may use an entry."""
        if not self.valid:
            return np.zeros(raw.shape, dtype=bool)
        result: Mask = (self._swap(raw) & np.uint64(self.valid)) == np.uint64(self.valid)
        return result

    @property
    def gates(self) -> int:
        """Return the bits, as memory holds them, that decide whether a store goes through or is noticed."""
        return int(self._swap(np.array([self.write | self.dirty_clear], dtype=np.uint64))[0])

    def _swap(self, raw: NDArray[np.uint64]) -> NDArray[np.uint64]:
        if not self.swapped:
            return raw
        return np.ascontiguousarray(raw).byteswap() >> np.uint64(64 - 8 * self.size)


@dataclass(slots=True)
class Walker:
    """The agent of a run: one access a lane, before the CPU's ``slot``-th step (-1: none), to entry ``entry``.

    ``store`` tells whether the access writes. ``offset`` is the byte offset of entry 0 in the table. ``happened`` is
    filled with the lanes in which the access changed the entry.
    """

    hardware: Hardware
    slot: NDArray[np.int64]
    entry: NDArray[np.int64]
    store: Mask
    offset: int
    happened: Mask

    def before_step(self, machine: Machine, table: Object) -> None:
        """Do the accesses whose turn it is."""
        due = machine.mask & (self.slot == machine.steps)
        if not bool(due.any()):
            return
        for index in distinct(self.entry[due]):
            at = self.offset + int(index) * self.hardware.size
            held = table.blob.load(at, self.hardware.size, False)
            if isinstance(held, Unknown):  # it maps what nobody knows
                continue
            raw = np.broadcast_to(np.asarray(_unsigned(held), dtype=np.uint64), (machine.lanes,))
            for store in (False, True):
                here = due & (self.entry == index) & (self.store == store)
                new, changed = self.hardware.touched(raw, store)
                changed = changed & here
                if bool(changed.any()):
                    table.blob.store(at, self.hardware.size, new, changed)
                    self.happened = self.happened | changed
                    machine.note("mmu", "store" if store else "access", changed, offset=at, old=raw, new=new)


def _unsigned(value: object) -> object:
    return value.view(np.uint64) if isinstance(value, np.ndarray) else value


def hardware_of(program: Program, table: str = "") -> Hardware:
    """Return the hardware of a program's profile, or that which its sub-table *table* describes.

    Raises CannotExecute when its words mean nothing in this tree.
    """
    data = program.mmu.get(table, {}) if table else program.mmu

    def mask(key: str) -> int:
        text = data.get(key, "")
        return program.constant(text) & 0xFFFF_FFFF_FFFF_FFFF if text else 0

    return Hardware(
        mask("valid"),
        mask("accessed"),
        mask("write"),
        mask("dirty_set"),
        mask("dirty_clear"),
        program.pte_word,
        _is_swapped(program),
    )


def _is_swapped(program: Program) -> bool:
    """Return whether memory holds entries in the other byte order than ``pte_val()`` gives (powerpc book3s64)."""
    from ptlint.sim.session import Session

    session = Session(program, 1)
    pte = session.pte("__pte(value)", value=("unsigned long", 1))
    held = int(session.raw(pte)[0])
    value = int(session.number("pte_val(pte)", session.raw(pte))[0])
    return value == 1 and held == 1 << (8 * program.pte_word - 8)


def lets_through(session: Session, access: str, level: str, value: NDArray[np.uint64]) -> Mask:
    """Return the lanes in which the hardware lets a ``load`` or ``store`` through entries of *level* with these values
    and nobody notices (``[mmu.lets]`` of a profile); none where the profile does not say.
    """
    text = session.program.mmu.get("lets", {}).get(access if level == "pte" else f"{access}_huge")
    if not text:
        return np.zeros(session.machine.lanes, dtype=bool)
    run = session.run(f"!!({text})", v=("unsigned long long", value))
    result: Mask = session.lanes_of(scalar(run)) != 0
    return result
