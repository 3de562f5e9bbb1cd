"""Entries handled by hand in generic code: read through a pointer, moved by arithmetic, made writable without a VMA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import (
    Assign,
    Binary,
    Call,
    Declaration,
    Expr,
    Index,
    MemberAccess,
    Name,
    PointerType,
    Pos,
    SizeofExpr,
    TypedefName,
    Unary,
)
from ptlint.passes.functions import View
from ptlint.passes.wording import called, plain, root, text, walk

_GENERIC = re.compile(r"(mm|fs|kernel|lib)/|include/linux/(?!pgtable)")
_EXEMPT = re.compile(r"(^|/)(debug_vm_pgtable|pgtable-generic)\.c$")
_TAKES_ENTRY = re.compile(r"(huge_)?ptep_\w+|set_pte(_at)?|set_ptes|set_huge_pte_at|pte_unmap(_unlock)?|pte_clear")
_GIVES_ENTRY = re.compile(r"pte_(offset|alloc)_(map|kernel)\w*|get_locked_pte|huge_pte_(offset|alloc)|hugetlb_walk")
_HUGE = re.compile(r"(arch_make_)?huge(_|tlb_|pte)|hstate_")


@dataclass(frozen=True, slots=True)
class ByHand:
    """``kind``: ``dereference``, ``arithmetic`` or ``mkwrite``; ``what`` is the expression."""

    kind: str
    pos: Pos
    what: str


def is_generic(path: str) -> bool:
    """Return whether *path* is code of no architecture, and not the test of the helpers themselves."""
    return _GENERIC.match(path) is not None and _EXEMPT.search(path) is None


def by_hand(view: View) -> Iterator[ByHand]:
    """Yield the entries that generic code handles by hand; nothing for an architecture's own code."""
    if not is_generic(view.path):
        return
    # Before ptep_get() was everywhere, *ptep was how entries were read: a file that has no use of it is that old.
    pointers = _entry_pointers(view) if "ptep_get(" in view.book.text(view.path) else frozenset[str]()
    stored = {id(node.target) for node in walk(view.definition.body) if isinstance(node, Assign) and not node.op}
    unary = [node for node in walk(view.definition.body) if isinstance(node, Unary)]
    unread = {id(plain(node.operand)) for node in unary if node.op == "&"} | _unevaluated(view)
    for node in walk(view.definition.body):
        if isinstance(node, Unary) and node.op == "*" and not node.pos.macro and id(node) not in stored | unread:
            operand = plain(node.operand)
            if isinstance(operand, Name) and operand.name in pointers:
                yield ByHand("dereference", node.pos, text(node))
        elif isinstance(node, Call) and called(node) == "__pte" and node.args and not node.pos.macro:
            if _moves(plain(node.args[0])):
                yield ByHand("arithmetic", node.pos, text(node))
        elif isinstance(node, Call) and called(node) == "pte_mkwrite_novma" and not node.pos.macro:
            if any(_HUGE.match(name) for name in view.callees):
                continue  # no shadow stack is made of huge pages
            yield ByHand("mkwrite", node.pos, text(node))


def _unevaluated(view: View) -> set[int]:
    sizes = [node for node in walk(view.definition.body) if isinstance(node, SizeofExpr)]
    return {id(node) for size in sizes for node in walk(size.operand)}


def _is_pointer(arg: Expr) -> bool:
    """Return whether an argument may be the pointer that it begins with: ``ptep + 1``, not ``*ptep`` or ``&pte``."""
    return not isinstance(arg, Index | MemberAccess) and not (isinstance(arg, Unary) and arg.op in ("&", "*"))


def _moves(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.op in ("+", "-") and called(plain(expr.left)) == "pte_val"


def _entry_pointers(view: View) -> frozenset[str]:
    """Return the variables of type ``pte_t *`` that are known to point into a page table, not to a copy."""
    entry = PointerType(TypedefName("pte_t"))
    known = {param.name for param in view.params if param.name and param.type == entry}
    for node in walk(view.definition.body):
        if isinstance(node, Declaration):
            known |= {one.name for one in node.declarators if one.type == entry}
    real: set[str] = set()
    for node in walk(view.definition.body):
        if isinstance(node, Call) and _TAKES_ENTRY.fullmatch(called(node)):
            real |= {root(arg) for arg in node.args if _is_pointer(plain(arg))}
        elif isinstance(node, Assign) and _GIVES_ENTRY.fullmatch(called(plain(node.value))):
            real.add(root(node.target))
    return frozenset(known & real)
