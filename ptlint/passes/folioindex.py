"""Pages of a folio that stand for entries of a batch: counted from the folio's first page or the entry's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import (
    Binary,
    Call,
    Expr,
    IncDec,
    IntConst,
    MemberAccess,
    Name,
    PointerType,
    Pos,
    TypedefName,
    Unary,
)
from ptlint.passes.functions import View
from ptlint.passes.origins import Leaf, leaves, writes
from ptlint.passes.wording import called, calls_in, comparison, constant, names_in, plain, text, walk

_KNOWS_PLACE = re.compile(r"\w*(pfn|index|idx|offset|page_to|pgoff|addr)\w*")
_WHOLE = re.compile(r"folio_(large_)?nr_pages|compound_nr|thp_nr_pages|pages_per_huge_page|folio_(order|size)")


@dataclass(frozen=True, slots=True)
class WrongPage:
    """A page that is taken at ``pos`` by an index that begins at 0 at ``begins``: from the folio's first page on."""

    pos: Pos
    what: str
    index: str
    begins: Pos


def wrong_pages(view: View) -> tuple[WrongPage, ...]:
    """Return where *view* takes the pages of a batch of entries from the beginning of the folio, in text order.

    The batch must be one of entries: *view* handles ``pte_t`` pointers. An index that is compared with the size of the
    folio walks over the whole of it. Helpers that take the pages are followed.
    """
    if not _handles_entries(view):
        return ()
    found: dict[str, WrongPage] = {}
    for pos, index in (*_indexed(view), *_handed_on(view)):
        begins = _from_zero(view, index)
        if begins is not None:
            found.setdefault(text(index), WrongPage(pos, "page", text(index), begins))
    return tuple(found.values())


def _handed_on(view: View) -> Iterator[tuple[Pos, Expr]]:
    """Yield the indexes that *view* hands to helpers of its file, which take the pages by them."""
    for call in calls_in(view.definition.body):
        helper = view.lookup(called(call)) if called(call) else None
        if helper is None or helper.path != view.path or "static" not in helper.definition.storage:
            continue
        for _, index in _indexed(helper):
            own = [one for one in leaves(helper, index) if one.kind != "constant"]
            if len(own) == 1 and own[0].kind == "param" and isinstance(own[0].expr, Name):
                at = helper.param_names.index(own[0].expr.name)
                if at < len(call.args) and not _whole_bound(helper, own[0].expr.name):
                    yield call.pos, call.args[at]


def _indexed(view: View) -> Iterator[tuple[Pos, Expr]]:
    """Yield the indexes by which pages of a folio are taken, counted from its first page."""
    first = set(_first_pages(view))
    for node in walk(view.definition.body):
        if isinstance(node, Call) and called(node) == "folio_page" and len(node.args) == 2:
            if constant(node.args[1]) is None:
                yield node.pos, _before_step(node.args[1])
        elif isinstance(node, Binary) and node.op == "+" and constant(node.right) is None:
            base = plain(node.left)
            if (isinstance(base, Name) and base.name in first) or _is_first(base):
                yield node.pos, _before_step(node.right)


def _before_step(index: Expr) -> Expr:
    bare = plain(index)
    return bare.operand if isinstance(bare, IncDec) else index


def _first_pages(view: View) -> Iterator[str]:
    for name in {node.name for node in walk(view.definition.body) if isinstance(node, Name)}:
        steps = writes(view, name) if name not in view.param_names else ()
        if len(steps) == 1 and steps[0].value is not None and _is_first(plain(steps[0].value)):
            yield name


def _is_first(expr: Expr) -> bool:
    """Return whether *expr* is the first page of a folio."""
    if isinstance(expr, Call):
        return called(expr) == "folio_page" and len(expr.args) == 2 and constant(expr.args[1]) == 0
    if isinstance(expr, Binary) and expr.op == "+" and constant(expr.right) == 0:
        return _is_first(plain(expr.left))
    inner = plain(expr.operand) if isinstance(expr, Unary) and expr.op == "&" else None
    return isinstance(inner, MemberAccess) and inner.name == "page" and "folio" in text(inner.base)


def _from_zero(view: View, index: Expr) -> Pos | None:
    """Return where *index* begins at 0 and is only moved on by counts; None when it knows a place, or may."""
    names = names_in(index)
    if not names or any(_whole_bound(view, name) for name in names):
        return None
    found = leaves(view, index)
    if any(one.kind == "other" or (one.kind == "call" and _KNOWS_PLACE.fullmatch(_callee(one))) for one in found):
        return None
    if not all(_is_count(one.expr) for one in found if one.kind == "param"):
        return None
    return next((step.pos for name in sorted(names) for step in writes(view, name) if _is_zero(step.value)), None)


def _callee(leaf: Leaf) -> str:
    return called(leaf.expr)


def _is_zero(value: Expr | None) -> bool:
    bare = None if value is None else plain(value)
    return isinstance(bare, IntConst) and bare.value == 0


def _is_count(expr: Expr) -> bool:
    return isinstance(expr, Name) and re.fullmatch(r"(max_)?(nr|len|count)\w*", expr.name) is not None


def _whole_bound(view: View, name: str) -> bool:
    """Return whether *name* is compared with the size of a folio."""
    for node in walk(view.definition.body):
        sides = comparison(node) if isinstance(node, Binary) else None
        if sides is not None and name in names_in((sides[0], sides[2])):
            both = [leaf for side in (sides[0], sides[2]) for leaf in leaves(view, side)]
            if any(one.kind == "call" and _WHOLE.fullmatch(_callee(one)) for one in both):
                return True
            if any(isinstance(one.expr, Name) and "order" in one.expr.name for one in both):
                return True
            if any(getattr(getattr(one.expr, "pos", None), "macro", "").startswith("HPAGE_") for one in both):
                return True
    return False


def _handles_entries(view: View) -> bool:
    entry = PointerType(TypedefName("pte_t"))
    return any(param.type == entry for param in view.params) or any(
        "ptep_" in name or name.endswith("_ptes") for name in view.callees
    )
