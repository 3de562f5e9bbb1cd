"""Windows of entries around one entry: where code steps back from an entry by as much as a folio says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Binary, Expr, Name, PointerType, Pos, TypedefName
from ptlint.passes.functions import View
from ptlint.passes.origins import leaves, writes
from ptlint.passes.rounds import rounds_of
from ptlint.passes.wording import called, calls_in, names_in, plain, text, walk

_OF_TABLE = re.compile(r"P(TE|MD|UD|4D|GD)(_\w+|DIR_\w+)|PTRS_PER_\w+|(pgd|p4d|pud|pmd)_addr_end|CONT_PTES?\w*")
_SIZES = re.compile(r"folio_(large_)?nr_pages|compound_nr|thp_nr_pages")
_ADDRESS = re.compile(r"addr(ess)?")
_FAULT = re.compile(r"(^|->|\.)(addr(ess)?)$")
_OF_FOLIO = re.compile(r"folio_(pfn|(large_)?nr_pages|size|page_idx)|pte_pfn|page_to_pfn|compound_nr")


@dataclass(frozen=True, slots=True)
class Window:
    """``pointer`` is stepped back at ``pos`` from ``entry``, and a loop then goes over the entries from there."""

    pos: Pos
    pointer: str
    entry: str


def unbounded_windows(view: View) -> tuple[Window, ...]:
    """Return the windows of *view* that nothing keeps inside the page table, in text order."""
    if not any(_OF_FOLIO.fullmatch(name) for name in view.callees):
        return ()
    if any(_OF_TABLE.fullmatch(word) for word in _words(view.definition.body)):
        return ()
    found = {one.pos: one for one in _windows(view, _walked(view))}
    return tuple(found[pos] for pos in sorted(found))


def _walked(view: View) -> frozenset[str]:
    """Return the variables from which several entries are handled: by a loop, or by a helper that gets a count too."""
    moving = {name for one in rounds_of(view) for name in one.moving}
    for call in calls_in(view.definition.body):
        if any(_is_folio_size(view, arg) for arg in call.args):
            moving |= {name for arg in map(plain, call.args) if isinstance(arg, Name) for name in (arg.name,)}
    return frozenset(moving)


def _is_folio_size(view: View, arg: Expr) -> bool:
    bare = plain(arg)
    return isinstance(bare, Name) and any(_SIZES.fullmatch(called(one.expr)) for one in leaves(view, bare))


def _windows(view: View, walked: frozenset[str]) -> Iterator[Window]:
    for name in sorted(walked):
        for step in writes(view, name):
            value = None if step.value is None or step.op else plain(step.value)
            if not isinstance(value, Binary) or value.op != "-" or not _is_place(view, name, value.left):
                continue
            if any(_OF_FOLIO.fullmatch(word) for word in _behind(view, value.right)):
                yield Window(step.pos, name, text(value.left))


def _is_place(view: View, name: str, expr: Expr) -> bool:
    return _is_entry(view, expr) or (_ADDRESS.fullmatch(name) is not None and _FAULT.search(text(expr)) is not None)


def _is_entry(view: View, expr: Expr) -> bool:
    """Return whether *expr* points to an entry: a parameter of that type, or a member that is called so."""
    bare = plain(expr)
    entry = PointerType(TypedefName("pte_t"))
    if isinstance(bare, Name):
        return any(param.name == bare.name and param.type == entry for param in view.params)
    return re.search(r"(->|\.)ptep?$", text(bare)) is not None


def _behind(view: View, expr: Expr) -> Iterator[str]:
    """Yield the calls that *expr* is made of, through locals, also inside of their arguments."""
    for leaf in leaves(view, expr):
        yield called(leaf.expr)
        for name in names_in(leaf.expr):
            for step in writes(view, name):
                yield from _words(step.value)


def _words(node: object) -> Iterator[str]:
    for one in walk(node):
        yield called(one)
        yield getattr(getattr(one, "pos", None), "macro", "")
        if isinstance(one, Name):
            yield one.name
