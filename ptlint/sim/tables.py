"""Page tables of several levels, linked by the kernel's own ``*_populate()`` for its ``*_offset()`` to find."""

from __future__ import annotations

from itertools import pairwise

from ptlint.csrc import ast
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Value
from ptlint.sim.memory import Object
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.types import size_of

LEVELS = ("pgd", "p4d", "pud", "pmd", "pte")

MOST_BYTES = 1 << 15
"""Of a table: what fits the region that 32-bit addresses have for an object."""


def table(session: Session, level: str, empty: int = 0) -> Object:
    """Return a table of *level* whose entries hold the bytes *empty*."""
    program = session.program
    size = size_of(program.resolve(ast.TypedefName(f"{level}_t")))
    order = "big" if program.model.big_endian else "little"
    held = empty.to_bytes(size, order)  # type: ignore[arg-type]

    def fill(offset: int, width: int) -> int:
        return int.from_bytes(held[offset % size : offset % size + width], order)  # type: ignore[arg-type]

    page = program.constant("PAGE_SIZE")
    entries = min(2 * page, MOST_BYTES) // size  # twice: the one for user mode stands beside (x86)
    blob = Blob(entries * size, program.model.big_endian, fill)
    return session.machine.memory.add(f"{level} table", blob, program.resolve(ast.TypedefName(f"{level}_t")))


def empty_of(program: Program, level: str) -> int:
    """Return the bytes of an empty entry of *level*: what the profile says, 0, or what clearing leaves.

    Raises CannotExecute where none of these is empty.
    """
    given = program.mmu.get(f"empty_{level}")
    if isinstance(given, str):
        return program.constant(given)
    probe = Session(program, 1)
    held = table(probe, level)
    pointer = (f"{level}_t *", held.base)
    size = size_of(program.resolve(ast.TypedefName(f"{level}_t")))
    try:
        for attempt in ("", f"{level}_clear(p)"):
            if attempt:
                probe.do(attempt, p=pointer)
            if probe.run(f"!!{level}_none(*p)", p=pointer) == 1:
                value = held.blob.load(0, size, False)
                return value if isinstance(value, int) else 0
    finally:
        program.settle(probe.machine.asked)
    raise CannotExecute(f"no {level} is empty")


def folded(program: Program, upper: str, level: str, address: int) -> int | None:
    """Return how far the entry of *level* is from that of *upper* in the same table, None where it has its own."""
    probe = Session(program, 1)
    held = table(probe, upper)
    try:
        below = probe.run(f"{level}_offset(x, addr)", x=(f"{upper}_t *", held.base), addr=("unsigned long", address))
        there = number(probe, below)
    except CannotExecute:  # follows the empty entry
        return None
    finally:
        program.settle(probe.machine.asked)
    found, offset = probe.machine.memory.find(there)
    return there - held.base if found is held and 0 <= offset < held.blob.size else None


def number(session: Session, value: Value) -> int:
    """Return a scalar that all lanes agree on."""
    return int(session.lanes_of(scalar(value))[0])


def linked(session: Session, mm: int, address: int, leaf: Object, level: str) -> int:
    """Return the address of *leaf*'s entry for *address*, a table of *level* linked below all that are above it.

    The root becomes that of *mm*. A folded level is the one above.
    """
    names = LEVELS[: LEVELS.index(level) + 1]
    root = leaf if level == "pgd" else table(session, "pgd")
    session.run("mm->pgd = root", mm=("struct mm_struct *", mm), root=("pgd_t *", root.base))
    entry = number(session, session.run("pgd_offset_pgd(x, addr)", x=("pgd_t *", root.base), addr=_long(address)))
    for upper, lower in pairwise(names):
        step = folded(session.program, upper, lower, address) if lower != "pte" else None
        if step is not None:
            entry += step
            continue
        below = leaf if lower == level else table(session, lower)
        _populate(session, mm, upper, lower, entry, below.base)
        index = f"{lower}_index(addr)"
        size = size_of(session.program.resolve(ast.TypedefName(f"{lower}_t")))
        entry = below.base + size * number(session, session.run(index, addr=_long(address)))
    return entry


def _populate(session: Session, mm: int, upper: str, lower: str, entry: int, below: int) -> None:
    known: dict[str, tuple[str, Value]] = {
        "mm": ("struct mm_struct *", mm),
        "entry": (f"{upper}_t *", entry),
        "below": (f"{lower}_t *", below),
    }
    if lower != "pte":
        session.do(f"{upper}_populate(mm, entry, below)", **known)
        return
    type = session.program.resolve(ast.TypedefName("pgtable_t"))
    is_page = getattr(getattr(type, "to", None), "tag", None) == "page"
    text = "pfn_to_page(__pa(below) >> PAGE_SHIFT)" if is_page else "below"
    session.do(f"pmd_populate(mm, entry, {text})", **known)


def _long(value: int) -> tuple[str, Value]:
    return "unsigned long", value
