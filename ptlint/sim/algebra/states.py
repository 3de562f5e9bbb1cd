"""Every state that an entry can get into: what the setters and the MMU make of a fresh entry, over many page frames.

Unlike ``sim.palette`` (entries of a batch) this holds one entry, all protections, and page frames up to the widest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.algebra.entries import Bench, Level, Raw, frames
from ptlint.sim.algebra.vocabulary import PREDICATES, SETTERS, Setter
from ptlint.sim.errors import CannotExecute
from ptlint.sim.mmu import Hardware
from ptlint.sim.palette import protection
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

MOST_STATES = 160

FEWEST_BITS = 16
"""Of a page frame number, on any architecture: 1 GiB of 16 KiB pages."""

ADVANCES = (1, 2, 15, 511, 1 << 17)
"""By how many pages entries are advanced: up to a folio of 512 MiB."""


@dataclass(frozen=True, slots=True)
class Protection:
    """A protection of user memory: how it is written in C, its value, and whether the mapping may be written."""

    text: str
    value: int
    writable: bool


@dataclass(frozen=True, slots=True)
class States:
    """States × page frames. ``raw[s, c]`` are the bytes of an entry of page frame ``pfns[c]`` in state ``s``.

    ``recipe`` tells in C how to get there; ``weight`` counts the steps. ``used`` are the columns that laws run over:
    the others are those advanced from them, and ``carries`` pages whose successor carries into a high bit.
    ``writable`` marks entries of writable mappings.
    """

    level: Level
    raw: Raw
    pfns: Raw
    used: int
    carries: tuple[int, ...]
    recipe: tuple[str, ...]
    weight: NDArray[np.int64]
    writable: Mask
    protections: tuple[Protection, ...]

    def lanes(self) -> Raw:
        """Return the entries that laws run over, state by state."""
        return np.ascontiguousarray(self.raw[:, : self.used]).reshape(-1)

    def state(self, lane: int) -> int:
        """Return the state of a lane."""
        return lane // self.used

    def column(self, pfn: int) -> int | None:
        """Return the column of a page frame, or None."""
        found = np.flatnonzero(self.pfns == np.uint64(pfn))
        return int(found[0]) if len(found) else None


def named(program: Program, level: Level, endings: tuple[str, ...]) -> str:
    """Return the first of the names that the universe has, empty when none."""
    return next((name for name in level.named(*endings) if program.has(name)), "")


def setters_of(program: Program, level: Level) -> Iterator[tuple[str, Setter]]:
    """Yield the setters of a level that the universe has, by name."""
    for setter in SETTERS:
        name = named(program, level, setter.names)
        if name:
            yield name, setter


def predicates_of(program: Program, level: Level) -> dict[str, str]:
    """Return the predicates of a level that the universe has: word of the vocabulary to name."""
    found = {names[0]: named(program, level, names) for names in PREDICATES}
    return {word: name for word, name in found.items() if name}


# --- page frames and protections ----------------------------------------------------------------------------------


def pfn_bits(program: Program, bench: Bench) -> int:
    """Return how wide a page frame number is here: what the architecture says, else what an entry holds."""
    page = program.constant("PAGE_SHIFT")
    said = (_constant(program, name) for name in ("MAX_PHYSMEM_BITS", "MAX_POSSIBLE_PHYSMEM_BITS"))
    wide = next((bits for bits in said if bits), 0)
    if wide:
        return min(wide, 8 * program.constant("sizeof(phys_addr_t)")) - page
    one = np.uint64(1) << np.arange(bench.session.machine.lanes, dtype=np.uint64)
    back = bench.pfn(bench.made(f"pfn_{bench.level.name}(pfn, __pgprot(0))", pfn=frames(program, one)))
    return max(FEWEST_BITS, int(np.argmin(np.append(back == one, False))))


def _constant(program: Program, name: str) -> int | None:
    if program.universe.macro(name) is None:
        return None
    try:
        return program.constant(name)
    except CannotExecute:
        return None


HIGH_BITS = 5
"""Bits at the top of a page frame number that an entry may keep elsewhere: advancing one must carry into each."""


def page_frames(bits: int, step: int) -> tuple[list[int], list[int], list[int]]:
    """Return the page frames that laws run over, those advanced from them, and those whose successor carries far."""
    top = (1 << bits) - 1
    base = [0x1FFE, 1, top & 0x5555_5555_5555_5555, top & 0xAAAA_AAAA_AAAA_AAAA, 1 << (bits - 1), top]
    chosen = list(dict.fromkeys(pfn // step * step for pfn in base if 0 < pfn // step * step <= top))
    if step > 1:
        return chosen, [], []
    further = {pfn + jump for pfn in chosen for jump in ADVANCES if pfn + jump <= top}
    carries = [(1 << bit) - 1 for bit in range(max(1, bits - HIGH_BITS), bits)]
    further |= {pfn + more for pfn in carries for more in (0, 1)}
    return chosen, sorted(further - set(chosen)), carries


_FLAGS = (("VM_READ", 1), ("VM_WRITE", 2), ("VM_EXEC", 4), ("VM_SHARED", 8))
"""Numbers, so that linux/mm.h, which defines them, need not be read."""

_NAMED = ("PAGE_NONE", "PAGE_READONLY", "PAGE_RO", "PAGE_RX", "PAGE_READONLY_EXEC", "PAGE_READONLY_X")
_NAMED_WRITABLE = ("PAGE_COPY", "PAGE_SHARED", "PAGE_RW", "PAGE_RWX", "PAGE_COPY_EXEC", "PAGE_SHARED_EXEC")
FEWEST_PROTECTIONS = 3
"""None, read-only and writable: where vm_get_page_prot() tells fewer apart, start-up code has yet to fill its table."""


def protections_of(program: Program) -> tuple[Protection, ...]:
    """Return the different protections that mmap() and mprotect() can ask for."""
    asked = []
    for bits in range(16) if program.has("vm_get_page_prot") else ():
        flags = " | ".join(name for name, bit in _FLAGS if bits & bit) or "VM_NONE"
        value = program.constant(f"pgprot_val(vm_get_page_prot({bits}))")
        asked.append(Protection(f"vm_get_page_prot({flags})", value, bool(bits & 2)))
    found = _different(asked)
    if len({one.value for one in found}) >= FEWEST_PROTECTIONS:
        return found
    names = [(name, False) for name in _NAMED] + [(name, True) for name in _NAMED_WRITABLE]
    found = _valued(program, [one for one in names if program.universe.macro(one[0]) is not None])
    if len({one.value for one in found}) >= FEWEST_PROTECTIONS:
        return found
    return _valued(program, [(protection(program, "readonly"), False), (protection(program, "shared"), True)])


_KERNEL = (("PAGE_KERNEL", True), ("PAGE_KERNEL_RO", False), ("PAGE_KERNEL_EXEC", True), ("PAGE_KERNEL_ROX", False))


def kernel_protections(program: Program) -> tuple[Protection, ...]:
    """Return the protections of the kernel's own mappings: they ask the machine, where those of mmap() are a table."""
    return _valued(program, [one for one in _KERNEL if program.universe.macro(one[0]) is not None])


def _valued(program: Program, texts: list[tuple[str, bool]]) -> tuple[Protection, ...]:
    return _different([Protection(text, program.constant(f"pgprot_val({text})"), w) for text, w in texts])


def _different(every: list[Protection]) -> tuple[Protection, ...]:
    found: dict[tuple[int, bool], Protection] = {}
    for one in every:
        found.setdefault((one.value, one.writable), one)
    return tuple(found.values())


# --- the closure --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Table:
    rows: list[Raw]
    recipe: list[str]
    weight: list[int]
    writable: list[bool]
    seen: set[tuple[int, bool]]

    def add(self, row: Raw, recipe: str, weight: int, writable: bool) -> bool:
        key = (int(row[0]), writable)
        if key in self.seen or len(self.rows) >= MOST_STATES:
            return False
        self.seen.add(key)
        self.rows.append(row)
        self.recipe.append(recipe)
        self.weight.append(weight)
        self.writable.append(writable)
        return True


def states_of(
    program: Program, hardware: Hardware, level: Level, protections: tuple[Protection, ...] | None = None
) -> States:
    """Return the states of *level*, of user memory if no *protections* are given.

    Raises CannotExecute when entries cannot be made.
    """
    probe = Bench(Session(program, 64), level)
    base, further, carries = page_frames(pfn_bits(program, probe), level.step)
    pfns = np.array([*base, *further], dtype=np.uint64)
    protections = protections_of(program) if protections is None else protections
    table = _Table([], [], [], [], set())
    different = []  # state i is that of protection i: two that make the same entry are one
    bench = Bench(Session(program, len(pfns)), level)
    for chosen in protections:
        made = f"pfn_{level.name}(pfn, __pgprot(prot))"
        row = bench.made(made, pfn=frames(program, pfns), prot=("unsigned long long", chosen.value))
        if level.name == "pmd" and program.has("pmd_mkhuge"):
            row = bench.applied("pmd_mkhuge(x)", row)
        if table.add(row, f"pfn_{level.name}(pfn, {chosen.text})", 0, chosen.writable):
            different.append(chosen)
    program.settle(bench.session.machine.asked)
    if not any(bool(bench.holds(f"{level.name}_present", row).any()) for row in table.rows):
        raise CannotExecute(f"no {level.name} that is made of a page frame and a protection is present")
    first = 0
    while first < len(table.rows) and len(table.rows) < MOST_STATES:
        last = len(table.rows)
        _grow(program, hardware, level, table, first, last, pfns)
        first = last
    return States(
        level,
        np.stack(table.rows),
        pfns,
        len(base),
        tuple(pfns.tolist().index(pfn) for pfn in carries),
        tuple(table.recipe),
        np.array(table.weight, dtype=np.int64),
        np.array(table.writable, dtype=bool),
        tuple(different),
    )


def _grow(program: Program, hardware: Hardware, level: Level, table: _Table, first: int, last: int, pfns: Raw) -> None:
    """Add what each setter, and the MMU, makes of the states from *first* to *last*."""
    block = np.stack(table.rows[first:last])
    flat = block.reshape(-1)
    bench = Bench(Session(program, len(flat)), level)
    uffd = named(program, level, ("uffd", "uffd_wp"))
    marked = bench.holds(uffd, flat).reshape(block.shape)[:, 0] if uffd else np.zeros(len(block), dtype=bool)
    for name, setter in setters_of(program, level):
        if "vma" in setter.call:  # asks about the mapping; the plain one stands in
            continue
        rows = bench.applied(f"{name}(x)", flat).reshape(block.shape)
        kept = _sound(bench, rows.reshape(-1), pfns).reshape(block.shape)[:, 0]
        for at, row in enumerate(rows):
            allowed = not setter.needs_writable or (table.writable[first + at] and not marked[at])
            if kept[at] and allowed:
                recipe = f"{name}({table.recipe[first + at]})"
                table.add(row, recipe, table.weight[first + at] + 1, table.writable[first + at])
    for store in (False, True):
        touched, changed = hardware.touched(flat, store)
        keep = changed.reshape(block.shape).all(axis=1)
        for at in map(int, np.flatnonzero(keep)):
            what = "stored to" if store else "read"
            recipe = f"{table.recipe[first + at]}, {what} by a process"
            row = touched.reshape(block.shape)[at]
            table.add(row, recipe, table.weight[first + at] + 1, table.writable[first + at])
    program.settle(bench.session.machine.asked)


def _sound(bench: Bench, raw: Raw, pfns: Raw) -> Mask:
    """Return where an entry is present and maps its page frame: a setter that breaks this is for the laws to tell."""
    repeated = np.tile(pfns, len(raw) // len(pfns))
    sound: Mask = bench.holds(f"{bench.level.name}_present", raw) & (bench.pfn(raw) == repeated)
    return sound
