"""Where values come from, whatever the path: the calls, parameters and constants that an expression is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ptlint.csrc.ast import Binary, Call, Conditional, Expr, IntConst, Name, Pos
from ptlint.passes.functions import View
from ptlint.passes.graph import Returned, Written
from ptlint.passes.wording import called, calls_in, constant, plain, text

_CHOICES = re.compile(r"(min|max)(_t|3)?|clamp(_t)?|umin|umax|READ_ONCE")
_BATCH = re.compile(r"folio_pte_batch(_flags|_ext)?")
_MOST = re.compile(r"max_nr(_\w+)?")
_SIZES = re.compile(r"(folio_(large_)?nr_pages|compound_nr|thp_nr_pages)")
MAX_DEPTH = 12
MAX_HELPERS = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """An end of the search: ``kind`` is ``call``, ``param``, ``constant`` or ``other``."""

    kind: str
    expr: Expr


def leaves(view: View, expr: Expr) -> tuple[Leaf, ...]:
    """Return what the value of *expr* may be made of: local variables are replaced by all that is written to them."""
    found: dict[str, Leaf] = {}
    _collect(view, expr, found, set(), 0)
    return tuple(found.values())


def _collect(view: View, expr: Expr, found: dict[str, Leaf], seen: set[str], depth: int) -> None:
    bare = plain(expr)
    if depth > MAX_DEPTH:
        found.setdefault("", Leaf("other", bare))
        return
    match bare:
        case Name(name=name):
            steps = writes(view, name)
            if name in view.param_names:
                found.setdefault(name, Leaf("param", bare))
            elif not steps:
                found.setdefault(name, Leaf("other", bare))
            if name not in seen:
                seen.add(name)
                for step in steps:
                    _collect(view, step.value if step.value is not None else step.target, found, seen, depth + 1)
        case IntConst():
            found.setdefault(text(bare), Leaf("constant", bare))
        case Binary(left=left, right=right):
            _collect(view, left, found, seen, depth + 1)
            _collect(view, right, found, seen, depth + 1)
        case Conditional(then=then, other=other):
            for one in (then, other):
                if one is not None:
                    _collect(view, one, found, seen, depth + 1)
        case Call(args=args) if _CHOICES.fullmatch(called(bare)):
            for one in args:
                _collect(view, one, found, seen, depth + 1)
        case Call():
            found.setdefault(text(bare), Leaf("call", bare))
        case _:
            found.setdefault(text(bare), Leaf("other", bare))


def writes(view: View, name: str) -> tuple[Written, ...]:
    """Return the assignments to local variable or parameter *name*."""
    found: dict[str, list[Written]] | None = view.facts.get("writes")
    if found is None:
        found = view.facts["writes"] = {}
        for node in view.graph.nodes if view.graph is not None else ():
            target = plain(node.step.target) if isinstance(node.step, Written) else None
            if isinstance(node.step, Written) and isinstance(target, Name):
                found.setdefault(target.name, []).append(node.step)
    return tuple(found.get(name, ()))


# --- batches of entries ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """A call that finds how many entries belong together. ``limit`` is the most it may return.

    ``flags`` are the bits of FPB_* that it was given, None when they are not constant. ``through`` names the helpers in
    between when the call is one of a helper.
    """

    call: Call
    limit: Expr
    flags: int | None
    pos: Pos
    view: View
    through: tuple[str, ...] = ()


def batches_in(view: View) -> tuple[Batch, ...]:
    """Return the calls of ``folio_pte_batch()`` and its relatives in *view*."""
    found = []
    for call in calls_in(view.definition.body):
        if _BATCH.fullmatch(called(call)) and not _BATCH.fullmatch(view.name) and len(call.args) >= 4:
            limit = call.args[4] if len(call.args) > 4 else call.args[3]
            found.append(Batch(call, limit, _flags_of(view, call), call.pos, view))
    return tuple(found)


def limits_handed(view: View) -> tuple[tuple[Call, tuple[Expr, ...]], ...]:
    """Return the calls of helpers that look for a batch, each with what it hands them to make the limit of."""
    found = []
    for call in calls_in(view.definition.body):
        helper = view.lookup(called(call)) if "batch" in called(call) and not _BATCH.fullmatch(called(call)) else None
        names = _limiting(helper) if helper is not None else frozenset()
        if helper is not None and names and len(call.args) == len(helper.param_names):
            pairs = zip(helper.param_names, call.args, strict=True)
            found.append((call, tuple(arg for name, arg in pairs if name in names)))
    return tuple(found)


def _limiting(helper: View) -> frozenset[str]:
    """Return the parameters of a helper that the limit of its batch is made of."""
    own = {name for name in helper.param_names if _MOST.fullmatch(name)}
    for batch in batches_in(helper):
        own.update(text(one.expr) for one in leaves(helper, batch.limit) if one.kind == "param")
    return frozenset(own)


def returned_batches(view: View, depth: int = 0) -> tuple[Batch, ...]:
    """Return the batches whose size *view* returns, itself or through helpers."""
    nodes = view.graph.nodes if view.graph is not None else ()
    values = [node.step.value for node in nodes if isinstance(node.step, Returned) and node.step.value is not None]
    return tuple(one for value in values for one in batches_behind(view, value, depth))


def batches_behind(view: View, expr: Expr, depth: int = 0) -> tuple[Batch, ...]:
    """Return the batches that the count *expr* may be the size of."""
    own = {id(one.call): one for one in batches_in(view)}
    found: list[Batch] = []
    for leaf in leaves(view, expr):
        if leaf.kind != "call":
            continue
        if id(leaf.expr) in own:
            found.append(own[id(leaf.expr)])
        elif depth < MAX_HELPERS and "batch" in called(leaf.expr):
            helper = view.lookup(called(leaf.expr))
            found.extend(returned_batches(helper, depth + 1) if helper is not None else ())
    return tuple(found)


def _flags_of(view: View, call: Call) -> int | None:
    if called(call) == "folio_pte_batch" and len(call.args) == 4:
        return 0
    at = 5 if len(call.args) > 5 else len(call.args) - 1
    return folded(view, call.args[at])


def folded(view: View, expr: Expr, depth: int = 0) -> int | None:
    """Return the value of a constant expression of shifts and ors, through locals that only ever hold one."""
    bare = plain(expr)
    known = constant(bare)
    if known is not None or depth > MAX_DEPTH:
        return known
    if isinstance(bare, Binary) and bare.op in ("<<", "|"):
        left, right = folded(view, bare.left, depth + 1), folded(view, bare.right, depth + 1)
        if left is None or right is None or not 0 <= right < 1 << 32 or not 0 <= left < 1 << 64:
            return None
        return (left << right) & ((1 << 64) - 1) if bare.op == "<<" and right < 64 else left | right
    if isinstance(bare, Name) and bare.name not in view.param_names:
        steps = writes(view, bare.name)
        if len(steps) == 1 and steps[0].value is not None and not steps[0].op:
            return folded(view, steps[0].value, depth + 1)
        return view.universe.enumerator(bare.name) if not steps else None
    return None


def bounded_by_folio_only(view: View, expr: Expr) -> bool:
    """Return whether a count is made of the size of a folio and constants, and of nothing that knows the page table."""
    found = leaves(view, expr)
    sizes = [one for one in found if one.kind == "call" and _SIZES.fullmatch(called(one.expr))]
    return bool(sizes) and all(one in sizes or one.kind == "constant" for one in found)


def flag_bits(view: View, name: str) -> int:
    """Return the bits of macro or constant *name* as *view* sees it, 0 when its tree has none."""
    if view.universe.macro(name) is None:
        return view.universe.enumerator(name) or 0
    return folded(view, view.universe.expression(name)) or 0
