"""What a caller walks over: page tables, their mapping, folios and pages, and the arguments that name them.

Nothing depends on the caller's name or file. What a parameter or a member of a structure is follows from its type and,
among numbers and among things of one type, from the words that the kernel uses (``addr``, ``end``, ``nr``; ``dst`` and
``new`` for where a copy goes). Anything else is unknown code's: it may be passed on and asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer, CRecord, CType
from ptlint.sim.batch import Batch, Layout
from ptlint.sim.blob import Blob, zero
from ptlint.sim.frame import Value
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.mmu import Hardware, Walker
from ptlint.sim.opaque import opaque
from ptlint.sim.palette import protection
from ptlint.sim.session import Session
from ptlint.sim.types import VOID, size_or_none
from ptlint.sim.values import Mask, Scalar, Unknown

if TYPE_CHECKING:
    from ptlint.sim.absent import Words

TARGET = re.compile(r"(?:.*_)?(?:dst|dest|new|to)(?:_.*)?")
"""Where a copy goes."""

_EMPTY = re.compile(r"(?:.*_)?(?:dst|dest)(?:_.*)?")
"""What the entry that a copy goes to holds."""

_OF_SOURCE = re.compile(r"(?:.*_)?(?:src|old|first)(?:_.*)?")
"""Whose folio a pointer leads to."""

_ADDRESS = re.compile(r"(?:.*_)?(?:(?:u?v?|h)addr|address|start)(?:_.*)?|vaddr")
_END = re.compile(r"(?:.*_)?end(?:_addr)?")
_COUNT = re.compile(r"_*(?:(?:max_)?nr|count|n|(?:max_)?nr_ptes|nr_pages|npages|batch|max)_*")
ORDER = re.compile(r"_*order_*")
"""Of how many pages, as the exponent of two."""

_LENGTH = re.compile(r"(?:.*_)?(?:extent|len|length|size|sz)")

_FRAME = re.compile(r"(?:.*_)?pfn")
_PHYSICAL = re.compile(r"phys(?:_addr)?|paddr")

_POINTED = {"pte": "pte_t", "ptep": "pte_t", "pmd": "pmd_t", "pmdp": "pmd_t"}
"""What members of these names point to, where types do not tell."""

AWAY = 1 << 30
"""Bytes from the addresses of a table to those of the table that a copy goes to: the same index in both."""

BEFORE, AFTER = 1, 1
"""Mapped neighbours on each side of the batch."""


@dataclass(frozen=True, slots=True)
class Folios:
    """Where folios end, lane by lane: ``border`` is the entry that begins the second one, ``small`` says that each page
    is one of its own. Pages from ``BEFORE`` entries before the batch to ``AFTER`` after it belong to them; with
    ``exact`` those of the batch alone.
    """

    border: NDArray[np.int64]
    small: Mask
    exact: Mask
    nr: int

    @property
    def one(self) -> Mask:
        """Return the lanes in which the whole batch maps one folio."""
        result: Mask = (self.border >= self.nr) & ~self.small
        return result

    def head(self, entry: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return, lane by lane, the entry that maps the first page of the folio that *entry*'s page is in."""
        first = np.where(entry < self.border, self._low, self.border)
        inside = self._inside(entry)
        return np.where(inside, first, entry)

    def pages(self, entry: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of pages of the folio that *entry*'s page is in."""
        end = np.where(entry < self.border, np.minimum(self.border, self._high), self._high)
        return np.where(self._inside(entry), end - self.head(entry), 1)

    @property
    def _low(self) -> NDArray[np.int64]:
        return np.where(self.exact, 0, -BEFORE)

    @property
    def _high(self) -> NDArray[np.int64]:
        return np.where(self.exact, self.nr, self.nr + AFTER)

    def _inside(self, entry: NDArray[np.int64]) -> Mask:
        result: Mask = (entry >= self._low) & (entry < self._high) & ~self.small
        return result


@dataclass(slots=True)
class Stage:
    """The world of one run. ``source`` holds the batch, ``target`` is the empty table of copies; ``pfn`` is the page
    frame of the batch's first entry. Page frames from ``missing`` on, lane by lane, have none of the machine's behind
    them, where the two differ; None when all have. With ``absent`` some entries map no page. In
    lanes where ``lost`` is above 0 mapping a table fails when it is done for the time that it says; ``mapped`` counts.
    ``kept`` is the table of single entries that is kept for the split of the huge page which the batch maps. The
    mapping ends ``beyond`` bytes behind the batch.
    """

    session: Session
    where: Layout
    source: Batch
    target: Object
    pfn: int
    folios: Folios
    writable: Mask
    tables: dict[int, Object] = field(default_factory=dict)
    missing: NDArray[np.int64] | None = None
    absent: Words | None = None
    lost: NDArray[np.int64] | None = None
    mapped: NDArray[np.int64] | None = None
    kept: Object | None = None
    beyond: int = 0

    def fails_to_map(self) -> Mask | None:
        """Count an attempt to map a table; return the lanes in which it fails, None where none ever does."""
        if self.lost is None:
            return None
        mask = self.session.machine.mask
        before = np.zeros(len(mask), dtype=np.int64) if self.mapped is None else self.mapped
        self.mapped = before + mask
        result: Mask = mask & (self.lost > 0) & (self.mapped == self.lost)
        return result

    def table_of(self, pmd: int) -> Object:
        """Return the table that an entry of the level above leads to."""
        return self.tables.get(pmd, self.source.table)


def set_stage(
    session: Session,
    where: Layout,
    raw: NDArray[np.uint64],
    none: int,
    pfn: int,
    folios: Folios,
    writable: Mask,
) -> Stage:
    """Return a stage whose table holds *raw*: (lanes, BEFORE + nr + AFTER) entries."""
    wide = replace(where, first=where.first - BEFORE, addr=where.addr - BEFORE * where.page, nr=raw.shape[1])
    batch = Batch(session, wide, raw, none)
    batch.where = where
    batch.initial = np.ascontiguousarray(raw[:, BEFORE : BEFORE + where.nr])
    target = Batch(session, where, np.full((raw.shape[0], 0), none, dtype=np.uint64), none).table
    target.name = "new ptep"
    stage = Stage(session, where, batch, target, pfn, folios, writable)
    session.machine.stage = stage
    session.machine.page_base_pfn = pfn & ~0xFF
    return stage


@dataclass(slots=True)
class StageWalker(Walker):
    """The MMU over the source table, whatever table the CPU's step is on."""

    table: Object | None = None

    def before_step(self, machine: Machine, table: Object) -> None:
        """Do the accesses whose turn it is."""
        Walker.before_step(self, machine, self.table or table)


def walker_for(
    hardware: Hardware, slot: NDArray[np.int64], entry: NDArray[np.int64], store: Mask, base: int
) -> StageWalker:
    """Return the MMU of a stage; its table is set when there is one."""
    return StageWalker(hardware, slot, entry, store, base, np.zeros(len(slot), dtype=bool))


def distance(address: int | NDArray[np.uint64], base: int, lanes: int) -> NDArray[np.int64]:
    """Return, lane by lane, how many bytes *address* is above *base*."""
    wide = address & 0xFFFF_FFFF_FFFF_FFFF if isinstance(address, int) else address.view(np.uint64)
    result: NDArray[np.int64] = (np.broadcast_to(np.asarray(wide, dtype=np.uint64), (lanes,)) - np.uint64(base)).view(
        np.int64
    )
    return result


# --- arguments ----------------------------------------------------------------------------------------------------


def argument(stage: Stage, name: str, type: CType, written: str) -> Value:
    """Return the value of a parameter. *written* is the typedef that it, or what it points to, is declared with.

    Where ``pte_t`` is a plain integer only that tells it from others.
    """
    found = _by_type(stage, name, type, written, 0)
    if found is not None:
        return found
    if isinstance(type, CPointer):
        return _pointed(stage, name, type)
    if isinstance(type, CRecord):
        size = size_or_none(type) or 0
        return Blob(size, stage.session.machine.memory.big_endian, lambda at, _width: Unknown(f"{name}+{at}"))
    if isinstance(type, CInt) and type.name == "_Bool":
        return stage.session.machine.ask(name).astype(np.uint64)
    return Unknown(name)


def _by_type(stage: Stage, name: str, type: CType, written: str, depth: int) -> Value:
    """Return what a parameter or member is by its role, None when it has none."""
    session, where = stage.session, stage.where
    if (written == session.program.worded("pte_t") and not isinstance(type, CPointer)) or (
        isinstance(type, CRecord) and type == session.program.pte_type
    ):
        if _EMPTY.fullmatch(name):
            return session.entry(np.full(session.machine.lanes, stage.source.none, dtype=np.uint64))
        return session.entry(stage.source.entry(0))
    if written == "pgprot_t":
        return _protection(stage)
    if isinstance(type, CPointer):
        return _by_pointer(stage, name, type, written or _POINTED.get(name, ""), depth)
    if isinstance(type, CInt) and type.name != "_Bool":
        away = AWAY if TARGET.fullmatch(name) else 0
        wide = type.size == session.program.model.pointer_size
        if wide and _END.fullmatch(name):
            return where.addr + away + where.nr * where.page
        if wide and _ADDRESS.fullmatch(name):
            return where.addr + away
        if wide and _LENGTH.fullmatch(name) and not depth:
            return where.nr * where.page
        if _COUNT.fullmatch(name) and not depth:
            return where.nr
        if ORDER.fullmatch(name) and not depth:
            return where.nr.bit_length() - 1
        if _FRAME.fullmatch(name) and not depth:
            return stage.pfn
        if _PHYSICAL.fullmatch(name) and not depth:
            return stage.pfn * (where.page if session.program.level == "pte" else session.program.constant("PAGE_SIZE"))
    return None


def _by_pointer(stage: Stage, name: str, type: CPointer, written: str, depth: int) -> Value:
    session, to = stage.session, type.to
    program = session.program
    target = TARGET.fullmatch(name) is not None
    if to == program.pte_type and (isinstance(to, CRecord) or written == program.worded("pte_t")):
        return (stage.target.base if target else stage.source.table.base) + stage.where.base
    if isinstance(to, CRecord) and to.tag is not None:
        match to.tag:
            case "vm_area_struct":
                return mapping(stage, target, to)
            case "mm_struct":
                return opaque(session.machine, "dst_vma->vm_mm" if target else "vma->vm_mm", to).base
            case "mmu_gather":
                return gather(stage, to)
            case "page":
                return session.run("pfn_to_page(pfn)", pfn=("unsigned long", stage.pfn))
            case "folio":
                return session.run("page_folio(pfn_to_page(pfn))", pfn=("unsigned long", stage.pfn))
    if depth and program.level != "pte" and to == program.resolve(ast.TypedefName("pte_t")):
        return 0  # what is walked is mapped by the level above
    if _is_upper_entry(stage, to) and (isinstance(to, CRecord) or written == "pmd_t"):
        found = opaque(session.machine, "new_pmd" if target else "pmd", to)
        found.blob.store(0, size_or_none(to) or 8, 0)  # neither huge nor swapped; what it leads to is the stage's
        stage.tables[found.base] = stage.target if target else stage.source.table
        return found.base
    return None


def _is_upper_entry(stage: Stage, type: CType) -> bool:
    program = stage.session.program
    return program.universe.typedef("pmd_t") is not None and type == program.resolve(ast.TypedefName("pmd_t"))


def _protection(stage: Stage) -> Value:
    """Return the protection that is asked for: that of a writable mapping or of a read-only one, lane by lane."""
    session = stage.session
    shared = session.run(protection(session.program, "shared"))
    readonly = session.run(protection(session.program, "readonly"))
    return session.where(stage.writable, shared, readonly)


def mapping(stage: Stage, target: bool, type: CRecord) -> int:
    """Return the mapping of the source or of the target: its bounds, address space and protection are known."""
    name = "dst_vma" if target else "vma"
    machine = stage.session.machine
    found = machine.memory.named(name)
    if found is not None and found.stored:
        return found.base
    made = opaque(machine, name, type)
    made.stored.add(0)
    away = AWAY if target else 0
    where = stage.where
    known = {
        "vm_start": where.addr + away,
        "vm_end": where.addr + away + where.nr * where.page + stage.beyond,
        "vm_mm": opaque(machine, f"{name}->vm_mm", _pointee(type, "vm_mm")).base,
        "vm_page_prot": _protection(stage),
    }
    for member, value in known.items():
        put(stage, made, type, member, value)
    return made.base


def gather(stage: Stage, type: CRecord) -> int:
    """Return the mmu_gather of the source's address space."""
    made = opaque(stage.session.machine, "tlb", type)
    if not made.stored:
        made.stored.add(0)
        mm = opaque(stage.session.machine, "vma->vm_mm", _pointee(type, "mm"))
        put(stage, made, type, "mm", mm.base)
        fullmm = type.find("fullmm") if type.is_complete() else None
        if fullmm is not None:  # the address space is in use: others may access it
            made.blob.store(fullmm.offset, size_or_none(fullmm.type) or 4, 0)
    return made.base


def _pointee(record: CRecord, member: str) -> CType | None:
    found = record.find(member) if record.is_complete() else None
    return found.type.to if found is not None and isinstance(found.type, CPointer) else None


def put(stage: Stage, obj: Object, record: CRecord, member: str, value: Value) -> None:
    """Store *value* in a member of an object, if the type has it."""
    found = record.find(member) if record.is_complete() else None
    size = None if found is None else size_or_none(found.type)
    if found is None or size is None or found.bit_width is not None:
        return
    if isinstance(value, Blob):
        obj.blob.put(found.offset, value)
    elif value is not None:
        obj.blob.store(found.offset, size, value)


def _pointed(stage: Stage, name: str, type: CPointer) -> Value:
    """Return the address of what a pointer without a role leads to: a structure with the members whose roles are
    known, or numbers that start at 0.
    """
    machine = stage.session.machine
    if isinstance(type.to, CRecord):
        made = opaque(machine, name, type.to)
        if type.to.is_complete():
            fill_members(stage, made, type.to)
        if type.to.tag == "list_head":  # an empty list
            for member in ("next", "prev"):
                put(stage, made, type.to, member, made.base)
        return made.base
    found = machine.memory.named(name)
    if found is None:
        size = size_or_none(type.to) if type.to != VOID else None
        if size is None:
            return opaque(machine, name, None if type.to == VOID else type.to).base
        cells = Blob(64 * size, machine.memory.big_endian, zero)
        found = machine.memory.share(name, machine.memory.add(name, cells, type.to))
        for at, value in enumerate(_cells(stage, name, type.to)):
            cells.store(at * size, size, value)
    return found.base


def _cells(stage: Stage, name: str, type: CType) -> Iterator[Scalar]:
    """Yield what stands where a pointer to pointers leads: the pages of the batch; one folio that may be there."""
    tag = type.to.tag if isinstance(type, CPointer) and isinstance(type.to, CRecord) else None
    if tag == "page":
        for index in range(stage.where.nr):
            found = stage.session.run("pfn_to_page(pfn)", pfn=("unsigned long", stage.pfn + index))
            assert isinstance(found, (int, np.ndarray))
            yield found
    elif tag == "folio" and _OF_SOURCE.fullmatch(name):
        found = stage.session.run("page_folio(pfn_to_page(pfn))", pfn=("unsigned long", stage.pfn))
        assert isinstance(found, (int, np.ndarray))
        yield found
    elif tag == "folio":
        there = opaque(stage.session.machine, f"*{name}", type.to if isinstance(type, CPointer) else None).base
        yield np.where(stage.session.machine.ask(f"{name} leads to a folio"), np.uint64(there), np.uint64(0))


def fill_members(stage: Stage, obj: Object, record: CRecord) -> None:
    """Give the members of a structure what their types and names say: ``walk->vma``, ``vmf->pte``, ``vmf->address``."""
    pte = stage.session.program.pte_type
    for name, type in _members(record):
        written = "pte_t" if type == pte and isinstance(pte, CRecord) else ""
        value = _by_type(stage, name, type, written, 1)
        if value is not None:
            put(stage, obj, record, name, value)


def _members(record: CRecord) -> Iterator[tuple[str, CType]]:
    """Yield the named members of a structure, those of unnamed ones in it included."""
    for member in record.fields:
        if member.bit_width is not None:
            continue
        if member.name:
            yield member.name, member.type
        elif isinstance(member.type, CRecord) and member.type.kind == "struct":
            yield from _members(member.type)
