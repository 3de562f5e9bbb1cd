"""Every state that one entry can be in, made by the architecture's own setters and by its MMU.

A state is what ``pfn_pte()`` and a choice of young/old, dirty/clean, writable/read-only, soft-dirty and uffd setters
give, or what the walker makes of that. Equal values are one state; states that are not present are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.errors import CannotExecute, NoEntries
from ptlint.sim.mmu import Hardware
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

_FLAGS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("write", ("pte_mkwrite_novma", "pte_mkwrite"), ("pte_wrprotect",)),
    ("dirty", ("pte_mkdirty",), ("pte_mkclean",)),
    ("young", ("pte_mkyoung",), ("pte_mkold",)),
    ("soft", ("pte_mksoft_dirty",), ("pte_clear_soft_dirty",)),
    ("uffd", ("pte_mkuffd", "pte_mkuffd_wp"), ("pte_clear_uffd", "pte_clear_uffd_wp")),
)


@dataclass(frozen=True, slots=True)
class Palette:
    """States × entries. ``raw`` is uint64 of shape (states, nr): the bytes of entry i (pfn + i) in that state.

    ``young``, ``dirty`` and ``write`` are what the architecture's predicates say, shape (states,). States of one of the
    ``kinds`` differ in young and dirty only. ``weight`` grows with the number of flags set: a counterexample takes the
    lightest states.
    """

    raw: NDArray[np.uint64]
    young: Mask
    dirty: Mask
    write: Mask
    kinds: NDArray[np.int64]
    weight: NDArray[np.int64]
    pfn: int

    def entries(self, states: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the bytes of the entries whose states are given, (lanes, entries), from the first on."""
        return np.stack([self.raw[states[:, i], i] for i in range(states.shape[1])], axis=1)


def palette(program: Program, hardware: Hardware, pfn: int, nr: int) -> Palette:
    """Return the states of entries *pfn* … *pfn* + *nr* - 1. Raises CannotExecute when a setter cannot run."""
    known = _FLAGS if program.level != "pud" else _FLAGS[:3]  # nobody tracks pages of that level
    flags = [flag for flag in known if _setter(program, flag[1])]
    combos = [c for c in product((False, True), repeat=len(flags)) if _sensible(flags, c)]
    session = Session(program, len(combos) * nr)
    pick = np.repeat(np.array(combos, dtype=bool), nr, axis=0)
    step = program.mapped // program.constant("PAGE_SIZE")
    raw = _built(session, flags, pick, pfn + np.tile(np.arange(nr, dtype=np.uint64) * np.uint64(step), len(combos)))
    program.settle(session.machine.asked)
    table = raw.reshape(len(combos), nr)
    weight = np.array([sum(combo) for combo in combos], dtype=np.int64)
    kinds = np.array([_kind(flags, combo) for combo in combos], dtype=np.int64)
    rows, heavy, kind = [table], [weight], [kinds]
    for store in (False, True):
        touched, changed = hardware.touched(table.reshape(-1), store)
        keep = changed.reshape(table.shape).all(axis=1)
        rows.append(touched.reshape(table.shape)[keep])
        heavy.append(weight[keep] + 1 + store)
        kind.append(kinds[keep])
    return _distinct(program, np.concatenate(rows), np.concatenate(kind), np.concatenate(heavy), pfn)


_PROTECTIONS = {
    "shared": ("PAGE_SHARED", "vm_get_page_prot(0xB)"),
    "readonly": ("PAGE_READONLY", "vm_get_page_prot(0x1)"),
}
"""The usual macro, and what mmap() uses for VM_READ (1), VM_WRITE (2) and VM_SHARED (8) (include/linux/mm.h)."""


def protection(program: Program, which: str) -> str:
    """Return C for the protection of a ``shared`` (writable) or ``readonly`` user mapping in this universe.

    The profile may say it (``[mmu] shared``); else the usual macro, else what mmap() would use.
    """
    given = program.mmu.get(which)
    if isinstance(given, str):
        return given
    macro, call = _PROTECTIONS[which]
    return macro if program.universe.macro(macro) is not None else call


def _setter(program: Program, names: tuple[str, ...]) -> str:
    return next((name for name in names if program.has(name)), "")


def _sensible(flags: list[tuple[str, tuple[str, ...], tuple[str, ...]]], combo: tuple[bool, ...]) -> bool:
    """A uffd-wp entry is never writable: that is what the bit is for."""
    chosen = {flag[0] for flag, on in zip(flags, combo, strict=True) if on}
    return not {"write", "uffd"} <= chosen


def _kind(flags: list[tuple[str, tuple[str, ...], tuple[str, ...]]], combo: tuple[bool, ...]) -> int:
    names = ("write", "soft", "uffd")
    chosen = {flag[0] for flag, on in zip(flags, combo, strict=True) if on}
    return sum(1 << at for at, name in enumerate(names) if name in chosen)


def _built(
    session: Session,
    flags: list[tuple[str, tuple[str, ...], tuple[str, ...]]],
    pick: NDArray[np.bool_],
    pfns: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    program = session.program
    size = program.model.pointer_size
    where = ("unsigned long", pfns if size == 8 else pfns & np.uint64(0xFFFFFFFF))
    writable = (
        pick[:, [flag[0] for flag in flags].index("write")] if any(f[0] == "write" for f in flags) else pick[:, 0]
    )
    fresh = (
        f"{program.level}_mkhuge(pfn_pte(pfn, %s))" if program.has(f"{program.level}_mkhuge") else "pfn_pte(pfn, %s)"
    )
    shared = session.pte(fresh % protection(program, "shared"), pfn=where)
    readonly = session.pte(fresh % protection(program, "readonly"), pfn=where)
    pte = session.where(writable, shared, readonly)
    for column, (_, on, off) in enumerate(flags):
        yes = session.pte(f"{_setter(program, on)}(pte)", pte=("pte_t", pte))
        clear = _setter(program, off)
        no = session.pte(f"{clear}(pte)", pte=("pte_t", pte)) if clear else pte
        pte = session.where(pick[:, column], yes, no)
    return session.raw(pte)


def _distinct(
    program: Program, raw: NDArray[np.uint64], kinds: NDArray[np.int64], weight: NDArray[np.int64], pfn: int
) -> Palette:
    """Drop equal and not present states; ask the predicates for the rest."""
    order = np.argsort(weight, kind="stable")
    raw, kinds, weight = raw[order], kinds[order], weight[order]
    _, first = np.unique(raw[:, 0], return_index=True)
    first = np.sort(first)
    raw, kinds, weight = raw[first], kinds[first], weight[first]
    session = Session(program, len(raw))
    present = session.holds("pte_present", raw[:, 0])
    if not bool(present.any()):
        raise NoEntries("no state of an entry is present")
    young, dirty, write = (session.holds(p, raw[:, 0]) for p in ("pte_young", "pte_dirty", "pte_write"))
    if bool((session.number("pte_pfn(pte)", raw[:, 0]) != np.uint64(pfn)).any()):
        raise CannotExecute("pte_pfn() of what pfn_pte() made is another page frame")
    for which in ("readonly", "shared"):  # what it asks about the machine is settled here
        session.number(f"pte_present(pte_modify(pte, {protection(program, which)}))", raw[:, 0])
    program.settle(session.machine.asked)
    kinds = np.unique(kinds, return_inverse=True)[1].astype(np.int64)
    return Palette(raw[present], young[present], dirty[present], write[present], kinds[present], weight[present], pfn)
