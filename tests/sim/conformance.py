"""Runs the kernel's own test of page-table helpers, mm/debug_vm_pgtable.c, from the source of a tree."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ptlint.core.tree import SourceTree
from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CRecord
from ptlint.csrc.nodes import nodes
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import load_universe
from ptlint.sim.batch import none_of
from ptlint.sim.blob import Blob
from ptlint.sim.calls import run_lowered
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.machine import Machine, Record
from ptlint.sim.program import Program
from ptlint.sim.session import Session, deep_recursion
from ptlint.sim.types import size_of
from ptlint.sim.values import Mask, Unknown

PATH = "mm/debug_vm_pgtable.c"
ACCESS = 7
"""``VM_ACCESS_FLAGS``: read, write, execute (linux/mm.h)."""

BOOT = "setup_protection_map"
"""Start-up code that fills the table behind vm_get_page_prot() on some architectures."""

MOST_BYTES = 1 << 15
"""Of a table: what fits the region that 32-bit addresses have for an object."""

BEHIND = 4096
"""Bytes behind a structure: the masks of CPUs that stand at the end of an ``mm_struct``."""

PROTECTIONS = 16
"""Combinations of ``VM_READ``, ``VM_WRITE``, ``VM_EXEC`` and ``VM_SHARED``: the test runs over all."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a test function came to: ``passed``, ``failed``, ``absent`` (not in the configuration) or ``stopped``."""

    test: str
    profile: str
    verdict: str
    why: str = ""


def names_of_tests(tree: SourceTree) -> tuple[str, ...]:
    """Return the names of the test functions, in the order of the file."""
    text = (tree.read(PATH) or b"").decode()
    names = re.findall(r"^static void __init (\w+_tests)\(struct pgtable_debug_args", text, re.MULTILINE)
    return tuple(dict.fromkeys(names))


def headers_of(tree: SourceTree) -> tuple[str, ...]:
    """Return the headers that the test file includes."""
    text = (tree.read(PATH) or b"").decode()
    return tuple(re.findall(r"^#include <([^>]+)>", text, re.MULTILINE))


def results(tree: SourceTree, profile: Profile) -> tuple[Result, ...]:
    """Run every test under *profile*."""
    universe = load_universe(tree, profile, headers_of(tree))
    program = Program(universe)
    program.facts["lazy MMU mode is on"] = False
    return tuple(_result(program, name, profile.name) for name in names_of_tests(tree))


def _result(program: Program, name: str, profile: str) -> Result:
    definition = program.definition(name, PATH)
    if definition is None:
        return Result(name, profile, "stopped", "not readable as C")
    if not definition.body.items:
        return Result(name, profile, "absent")
    try:
        return _ran(program, definition, profile)
    except CannotExecute as error:
        where = f" ({error.pos.path}:{error.pos.line})" if error.pos is not None and error.pos.path else ""
        return Result(name, profile, "stopped", error.what + where)
    except OutOfBounds as error:
        return Result(name, profile, "stopped", error.what)


def _ran(program: Program, definition: ast.FunctionDef, profile: str) -> Result:
    takes_index = len(definition.type.params) > 1
    lanes = PROTECTIONS if takes_index else 1

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, list[Breach], object]:
        session = Session(program, len(base), answers)
        values: list[Value] = [_arguments(session, definition)]
        unreal = contradictory(answers, len(base)) | ~session.machine.mask
        begin = len(session.machine.log)
        if takes_index:
            values.append(base.copy())
        with deep_recursion():
            run_lowered(session.machine, program.lowered(definition), values)
        return session.machine, [], (begin, unreal)

    trial = explore(lanes, drive)
    assert isinstance(trial.state, tuple)
    begin, unreal = trial.state
    verdict, why = _verdict(trial, begin, ~unreal)
    return Result(definition.name, profile, verdict, why)


def _verdict(trial: Trial, begin: int, real: Mask) -> tuple[str, str]:
    """Return the verdict on a run whose test began at record *begin* of the log, in the lanes that are *real*."""
    log = trial.machine.log
    if not bool(real.any()):
        return "stopped", "setting up: " + next((_place(one) for one in log[:begin] if one.kind == "fault"), "")
    fired = [one for one in log[begin:] if one.kind in ("warn", "fault") and _meets(one, real)]
    unsure = [one for one in log[begin:] if one.kind == "unsure" and one.pos.path == PATH and _meets(one, real)]
    if not fired and unsure:
        return "stopped", f"{unsure[0].name} at line {unsure[0].pos.line}: not known"
    if not fired and not any(pos.path == PATH for pos in trial.machine.asserted):
        return "absent", ""  # it returns at once, whatever the machine can do
    if not fired:
        return "passed", ""
    unseen = sorted({one.name for one in log[begin:] if one.kind == "unseen"})
    if unseen:
        return "stopped", f"depends on {unseen[0]}(), which is not there"
    if fired[0].name.startswith(("read ", "write ")):
        return "stopped", f"follows a pointer to what the test bed does not have ({_place(fired[0])})"
    if bool((real & ~fired[0].mask).any()) and trial.questions:
        return "stopped", f"depends on {Unknown(trial.questions[-1])}, which a running kernel knows"
    return "failed", _place(fired[0])


def _meets(record: Record, real: Mask) -> bool:
    return bool((record.mask & real).any())


def _place(record: Record) -> str:
    return f"{record.name} at {record.pos.path}:{record.pos.line}"


# --- what init_args() sets up -------------------------------------------------------------------------------------


def _arguments(session: Session, definition: ast.FunctionDef) -> int:
    """Return the address of a ``struct pgtable_debug_args`` as init_args() leaves it."""
    program = session.program
    pointer = program.lowered(definition).params[0].type
    assert isinstance(pointer, CPointer)
    record = pointer.to
    assert isinstance(record, CRecord)
    blob = Blob(size_of(record), program.model.big_endian, _zero)
    wanted = {node.name for node in nodes(definition.body) if isinstance(node, ast.MemberAccess)}
    for name, value in _fields(session, wanted).items():
        offset, type, _ = program.member(record, name)
        if isinstance(value, Blob):
            blob.put(offset, value)
        elif value is not None:
            blob.store(offset, size_of(type), value)
    return session.machine.memory.add("args", blob, record).base


def _zero(_offset: int, _width: int) -> int:
    return 0


def _fields(session: Session, wanted: set[str]) -> dict[str, Value]:
    """Return the fields that a test asks for: what the others would need is not set up."""
    program, shift = session.program, session.program.constant("PAGE_SHIFT")
    physical = program.constant("PUD_SIZE") if program.model.long_size == 8 else 1 << 26
    frame = physical >> shift
    session.machine.page_base_pfn = frame
    if program.has(BOOT):
        session.do(f"{BOOT}()")
    user = 0x7F00_0000_0000 if program.model.pointer_size == 8 else 0x4000_0000
    mm = _zeroed(session, "mm", "mm_struct")
    vma = _zeroed(session, "vma", "vm_area_struct")
    session.run("vma->vm_mm = mm", vma=("struct vm_area_struct *", vma), mm=("struct mm_struct *", mm))
    upper = wanted & {"pgdp", "p4dp", "pudp", "pmdp", "start_ptep", "start_pmdp", "start_pudp", "start_p4dp"}
    tables, page = _tables(session, mm, user, frame + 1) if upper else ({"pte": _table(session, "pte")}, 0)
    widest = "swp_offset(softleaf_from_pte(softleaf_to_pte(swp_entry(0, ~0UL))))"
    return {
        "mm": mm,
        "vma": vma,
        **{f"{level}p": table for level, table in tables.items()},
        **{f"start_{level}p": table for level, table in tables.items() if level in ("p4d", "pud", "pmd")},
        "start_ptep": page,
        "vaddr": user,
        "page_prot": session.run(f"vm_get_page_prot({ACCESS})"),
        "page_prot_none": session.run("vm_get_page_prot(0)"),
        **{f"{level}_pfn": frame for level in ("pud", "pmd", "pte")},
        **{f"fixed_{level}_pfn": frame for level in ("pgd", "p4d", "pud", "pmd", "pte")},
        "fixed_alignment": physical,
        **({"swp_entry": session.run(f"swp_entry(MAX_SWAPFILES - 1, {widest})")} if "swp_entry" in wanted else {}),
        **({"leaf_entry": session.run("make_writable_migration_entry(~0UL)")} if "leaf_entry" in wanted else {}),
    }


def _zeroed(session: Session, name: str, tag: str) -> int:
    type = session.program.resolve(ast.RecordType("struct", tag))
    size = size_of(type) + BEHIND
    return session.machine.memory.add(name, Blob(size, session.program.model.big_endian, _zero), type).base


def _table(session: Session, level: str) -> int:
    """Return the address of an empty table of *level*."""
    program = session.program
    type = program.resolve(ast.TypedefName(f"{level}_t"))
    size = size_of(type)
    empty = _empty_of(session) if level == "pte" else 0
    held = empty.to_bytes(size, "big" if program.model.big_endian else "little")

    def fill(offset: int, width: int) -> int:
        part = held[offset % size : offset % size + width]
        return int.from_bytes(part, "big" if program.model.big_endian else "little")

    page = program.constant("PAGE_SIZE")
    entries = min(2 * page, MOST_BYTES) // size  # twice: the one for user mode stands beside (x86)
    return session.machine.memory.add(f"{level} table", Blob(entries * size, program.model.big_endian, fill), type).base


def _empty_of(session: Session) -> int:
    """Return the bytes of an empty entry. One wider than a word (8xx with 16K pages) is taken for one of zeros."""
    program = session.program
    assert program.pte_type is not None
    size = size_of(program.pte_type)
    if size <= WORD:
        return none_of(program)
    zero = Blob(size, program.model.big_endian, _zero)
    if session.run("!!pte_none(pte)", pte=("pte_t", zero)) != 1:
        raise CannotExecute("an entry of zeros is not empty")
    return 0


WORD = 8

LEVELS = ("pgd", "p4d", "pud", "pmd", "pte")


def _tables(session: Session, mm: int, address: int, frame: int) -> tuple[dict[str, int], Value]:
    """Return the address of the entry of each level, the upper ones leading to a table, and the last table.

    A folded level is the one above. The last table is a ``pgtable_t``: page frame *frame*, or its entries.
    """
    first = session.run("pgd_offset_pgd(x, addr)", x=("pgd_t *", _table(session, "pgd")), addr=_long(address))
    found = {"pgd": _address(session, first), "pte": _table(session, "pte")}
    for upper, level in pairwise(LEVELS[:-1]):
        step = _folded(session.program, upper, level, address)
        found[level] = _table(session, level) if step is None else found[upper] + step
        if step is None:
            _populate(session, mm, upper, level, found[upper], found[level])
    type = session.program.resolve(ast.TypedefName("pgtable_t"))
    is_page = isinstance(type, CPointer) and isinstance(type.to, CRecord) and type.to.tag == "page"
    last = session.run(f"pfn_to_page({frame})") if is_page else found["pte"]
    _populate(session, mm, "pmd", "pgtable", found["pmd"], last)
    return found, last


def _address(session: Session, pointer: Value) -> int:
    return int(session.lanes_of(scalar(pointer))[0])


def _folded(program: Program, upper: str, level: str, address: int) -> int | None:
    """Return how far the entry of *level* is from that of *upper* in the same table, None where it has its own."""
    probe = Session(program, 1)
    table = _table(probe, upper)
    try:
        below = probe.run(f"{level}_offset(x, addr)", x=(f"{upper}_t *", table), addr=_long(address))
        there = _address(probe, below)
    except CannotExecute:  # follows the empty entry
        return None
    finally:
        program.settle(probe.machine.asked)
    held, offset = probe.machine.memory.find(there)
    is_same = held is not None and held.base == table and 0 <= offset < held.blob.size
    return there - table if is_same else None


def _long(value: int) -> tuple[str, Value]:
    return "unsigned long", value


def _populate(session: Session, mm: int, upper: str, level: str, entry: int, table: Value) -> None:
    variables: dict[str, tuple[str, Value]] = {
        "mm": ("struct mm_struct *", mm),
        "entry": (f"{upper}_t *", entry),
        "table": ("pgtable_t" if level == "pgtable" else f"{level}_t *", table),
    }
    session.do(f"{upper}_populate(mm, entry, table)", **variables)
