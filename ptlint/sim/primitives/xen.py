"""x86 as a paravirtual guest of Xen: calls through pv_ops, and updates of page tables by hypercall.

A PVOP_*() calls the function that its field of the operations table holds once the guest has booted. Frame numbers of
the machine and of the guest are the same here, and so are a table's addresses. Updates wait in a multicall while the
lazy MMU mode is on (arch/x86/xen/mmu_pv.c, multicalls.c); the hypervisor does each in one step and, if asked to
(MMU_PT_UPDATE_PRESERVE_AD), keeps the accessed and dirty bits that the entry has by then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ptlint.calls.ops import OpsTarget, ops_fields, ops_targets
from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction, CPointer, CType
from ptlint.csrc.items import items_of
from ptlint.sim import lazy
from ptlint.sim.blob import Blob
from ptlint.sim.calls import invoke
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers, written
from ptlint.sim.types import VOID, is_bool, is_record, size_of
from ptlint.sim.values import Scalar, Unknown, arithmetic, distinct, to_bool

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.machine import Machine
    from ptlint.sim.program import Program

_PVOP = re.compile(r"PVOP_(?:ALT_)?(V?)CALL(?:EE)?(\d)")
_INIT = re.compile(r"\b__init\b")
_IDENTITY = ("PTE_IDENT", "_paravirt_ident_64", "_paravirt_ident_32", "paravirt_ident_64")
TABLE = "pv_ops"
GUEST = "/xen/"
"""The folder whose functions a guest of Xen puts into the table."""


def _leads(program: Program, words: frozenset[str]) -> frozenset[str]:
    """Return the functions of a guest, or else of anybody, in those fields of the table that a text names."""
    fields = ops_fields(program.universe, TABLE)
    held = [(path, name) for word in words for path, name in fields.get(word, ())]
    guest = [name for path, name in held if GUEST in path]
    return frozenset(guest or (name for _, name in held))


@lowers("/PVOP_(?:ALT_)?V?CALL(?:EE)?[0-4]/", leads=_leads)
def paravirtual(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Call what the table holds: ``PVOP_CALL3(type, pv_ops, mmu.field, …)``, in older trees without pv_ops."""
    form = _PVOP.fullmatch(name)
    assert form is not None
    args = list(call.args)
    returns = VOID if form.group(1) else _type(expressions, args.pop(0))
    path = _path(args.pop(0))
    if "." not in path:
        path = f"{path}.{_path(args.pop(0))}"
    elif path.startswith(("mmu.", "cpu.", "irq.")):
        path = f"{TABLE}.{path}"
    given = [expressions.expr(arg) for arg in args[: int(form.group(2))]]
    target = _target(expressions.program, path)
    if not target:
        return _unchanged(given, returns) if given and returns is not VOID else Op(VOID, lambda _frame: None)
    definition = expressions.program.definition(target.function, target.span.path)
    if definition is None:
        raise CannotExecute(f"{path} is {target.function}(), which is not in sight", call.pos)
    signature = expressions.program.resolve(definition.type)
    assert isinstance(signature, CFunction)
    if len(signature.params) != len(given):
        raise CannotExecute(f"{path} is {target.function}(), which takes other arguments", call.pos)
    ops = [_passed(op, type) for op, type in zip(given, signature.params, strict=True)]
    types, program, found = [op.type for op in ops], expressions.program, definition

    def run(frame: Frame) -> Value:
        values = [op.run(frame) for op in ops]
        frame.machine.pos = call.pos
        return _register(invoke(program, frame.machine, found, values, types), returns)

    return Op(returns, run)


def _type(expressions: Expressions, arg: ast.Expr) -> CType:
    return expressions.resolve(arg.type) if isinstance(arg, ast.TypeArg) else expressions.type_of(arg)


def _path(expr: ast.Expr) -> str:
    match expr:
        case ast.Name():
            return expr.name
        case ast.MemberAccess():
            return f"{_path(expr.base)}.{expr.name}"
    raise CannotExecute("a call through something else than an operations table", expr.pos)


def _target(program: Program, path: str) -> OpsTarget | None:
    """Return what a field holds in a guest that runs: the last assignment of Xen's code that outlives booting.

    None means that the field does nothing, or gives back its argument.
    """
    found = [one for one in ops_targets(program.universe, path) if one.function not in _IDENTITY]
    lasting = [one for one in found if not _is_boot_code(program, one)]
    guest = [one for one in lasting if GUEST in one.span.path]
    assigned = [one for one in guest if one.how == "assignment"] or guest or lasting
    if not assigned or assigned[-1].function == "paravirt_nop":
        return None
    return assigned[-1]


def _is_boot_code(program: Program, target: OpsTarget) -> bool:
    """Return whether the function serves booting alone: thrown away after it (``__init``), or named so."""
    if target.function.endswith("_init"):
        return True
    view = program.universe.in_file(target.span.path)
    for site in view.sites(target.function, "function"):
        item = items_of(site.instance).items[site.number]
        head = site.instance.scan.text[item.start : item.end].split("{", 1)[0]
        return _INIT.search(head) is not None
    return False


def _unchanged(given: Sequence[Op], returns: CType) -> Op:
    return converted(given[0], returns)


def _passed(op: Op, type: CType) -> Op:
    """Return an argument as the callee takes it: what goes through a register may be a structure of one word."""
    if not is_record(type):
        return converted(op, type)
    run, size = op.run, size_of(type)

    def wrap(frame: Frame) -> Value:
        value = run(frame)
        if isinstance(value, Blob):
            return value
        blob = Blob(size, frame.machine.memory.big_endian)
        blob.store(0, size, scalar(value))
        return blob

    return Op(type, wrap)


def _register(value: Value, returns: CType) -> Value:
    if isinstance(value, Blob) and not is_record(returns):
        return value.load(0, size_of(returns), False)
    return None if returns is VOID else value


# --- frames and addresses ---------------------------------------------------------------------------------------------


@lowers(
    "mfn_to_pfn",
    "pfn_to_mfn",
    "__pfn_to_mfn",
    "__mfn_to_pfn",
    "mfn_to_local_pfn",
    "bfn_to_pfn",
    "pfn_to_bfn",
    "virt_to_mfn",
)
def frame_number(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Frames of the machine are those of the guest; some of a guest's may have none (INVALID_P2M_ENTRY)."""
    op = converted(expressions.expr(call.args[0]), expressions.program.size_type)
    if name in ("pfn_to_mfn", "__pfn_to_mfn"):
        return Op(op.type, lambda frame: _machine_frame(frame.machine, scalar(op.run(frame))))
    if not name.startswith("virt"):
        return op
    shift = expressions.program.constant("PAGE_SHIFT")
    return Op(op.type, lambda frame: arithmetic(">>", scalar(op.run(frame)), shift, 8, False))


def _machine_frame(machine: Machine, pfn: Scalar) -> Scalar:
    missing = None if machine.stage is None else machine.stage.missing
    if missing is None or isinstance(pfn, Unknown):
        return pfn
    wide = np.broadcast_to(np.asarray(pfn, dtype=np.uint64), (machine.lanes,)) if isinstance(pfn, int) else pfn
    return np.where(
        wide.view(np.uint64) >= missing.view(np.uint64), np.uint64(0xFFFF_FFFF_FFFF_FFFF), wide.view(np.uint64)
    )


@lowers("virt_to_machine", "arbitrary_virt_to_machine")
def machine_address(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The machine address of a table's entry is its address."""
    type = expressions.resolve(written("xmaddr_t"))
    size, run = size_of(type), expressions.expr(call.args[0]).run

    def wrap(frame: Frame) -> Value:
        blob = Blob(size, frame.machine.memory.big_endian)
        blob.store(0, size, scalar(run(frame)))
        return blob

    return Op(type, wrap)


# --- hypercalls -------------------------------------------------------------------------------------------------------

_COMMANDS = 3
"""The low bits of an update's address say what kind it is (Xen's public interface, xen.h, as are the numbers)."""

_NORMAL, _PRESERVE_AD = 0, 2


@lowers("xen_extend_mmu_update")
def extend(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Put one update into the multicall."""
    fields = _fields(expressions, call)
    pointer = expressions.expr(call.args[0]).run

    def run(frame: Frame) -> Value:
        machine = frame.machine
        where, value = _update(machine, scalar(pointer(frame)), fields)
        machine.pos = call.pos
        lazy.defer(machine, lambda later: _apply(later, where, value, fields))
        return None

    return Op(VOID, run)


@lowers("HYPERVISOR_mmu_update")
def update_now(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Do one update at once."""
    fields = _fields(expressions, call)
    pointer = expressions.expr(call.args[0]).run
    if expressions.expr(call.args[1]).const != 1:
        raise CannotExecute("a hypercall with more than one update", call.pos)

    def run(frame: Frame) -> Value:
        machine = frame.machine
        where, value = _update(machine, scalar(pointer(frame)), fields)
        machine.pos = call.pos
        _apply(machine, where, value, fields)
        return 0

    return Op(expressions.program.builtin("int"), run)


@lowers("xen_mc_batch")
def batch(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Begin a multicall: interrupts go off."""
    return Op(VOID, lambda _frame: None)


@lowers("xen_mc_issue")
def issue(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """End a multicall: it is done now if the argument says so, in older trees unless in the lazy mode it names."""
    op = expressions.expr(call.args[0])
    definition = expressions.program.definition(name, expressions.path)
    takes = expressions.resolve(definition.type.params[0].type) if definition is not None else op.type
    says_now = is_bool(takes) or op.const is None
    run_now = op.run

    def run(frame: Frame) -> Value:
        machine = frame.machine
        machine.pos = call.pos
        now = machine.truth(to_bool(scalar(run_now(frame)))) if says_now else ~lazy.is_active(machine)
        with machine.narrowed(machine.mask & now):
            if bool(machine.mask.any()):
                lazy.drain(machine)
        return None

    return Op(VOID, run)


@lowers("xen_mc_flush")
def flush(_expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Do all that waits."""

    def run(frame: Frame) -> Value:
        frame.machine.pos = call.pos
        lazy.drain(frame.machine)
        return None

    return Op(VOID, run)


class _Fields:
    """Where the address and the value stand in struct mmu_update, and the bits that the hypervisor may keep."""

    def __init__(self, program: Program, type: CType) -> None:
        if not isinstance(type, CPointer) or not is_record(type.to):
            raise CannotExecute("a page-table update of unknown form")
        self.ptr = program.member(type.to, "ptr")[0]  # type: ignore[arg-type]
        self.val = program.member(type.to, "val")[0]  # type: ignore[arg-type]
        self.kept = program.constant("_PAGE_ACCESSED | _PAGE_DIRTY")


def _fields(expressions: Expressions, call: ast.Call) -> _Fields:
    return _Fields(expressions.program, expressions.expr(call.args[0]).type)


def _update(machine: Machine, at: Scalar, fields: _Fields) -> tuple[Scalar, Scalar]:
    where = machine.load(arithmetic("+", at, fields.ptr, 8, False), 8, False)
    return where, machine.load(arithmetic("+", at, fields.val, 8, False), 8, False)


def _apply(machine: Machine, where: Scalar, value: Scalar, fields: _Fields) -> None:
    """Do one update in the current lanes: write the entry, with or without the bits the MMU has set by now."""
    if isinstance(where, Unknown):
        raise CannotExecute(f"a page-table update of unknown kind ({where})", machine.pos, machine.function)
    if not isinstance(where, int):
        for one in map(int, distinct(where[machine.mask])):
            with machine.narrowed(machine.mask & (where == one)):
                _apply(machine, one, value, fields)
        return
    address, command = where & ~_COMMANDS, where & _COMMANDS
    if command == _NORMAL:
        machine.store(address, 8, value)
    elif command == _PRESERVE_AD:
        with machine.atomic(address, 8):
            kept = arithmetic("&", machine.load(address, 8, False), fields.kept, 8, False)
            machine.store(address, 8, arithmetic("|", value, kept, 8, False))
    else:
        raise CannotExecute(f"a page-table update of kind {command}", machine.pos, machine.function)
