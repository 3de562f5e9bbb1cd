"""Entries that are replaced by a value built from nothing: which tracking bits of the old one they carry on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Call, Expr, Name, Pos, TypedefName
from ptlint.passes.functions import View
from ptlint.passes.origins import MAX_DEPTH, writes
from ptlint.passes.wording import called, calls_in, plain

_BUILT = re.compile(r"pfn_pte|mk_pte|folio_mk_pte")
_SETTER = re.compile(r"pte_(mk\w+|wrprotect|modify|clear_\w+|set_flags|advance_pfn)|maybe_mkwrite|arch_make_folio\w*")
_SETS = re.compile(r"set_pte_at|set_ptes")
_KNOWN = re.compile(r"pte_swp_(uffd|uffd_wp|soft_dirty|exclusive)")
BITS = (("soft-dirty", re.compile(r"pte_mksoft_dirty")), ("userfaultfd", re.compile(r"pte_mkuffd(_wp)?")))


@dataclass(frozen=True, slots=True)
class Replacement:
    """A value that ``setter`` at ``pos`` stores in place of ``old``, without the bits named in ``lost``."""

    pos: Pos
    setter: str
    old: str
    lost: tuple[str, ...]


def replacements_of(view: View) -> Iterator[Replacement]:
    """Yield where *view* has a swap entry as a value, builds a present one in its place, and drops tracking bits.

    Only a function that asks the old value for its bits itself is looked at: it knows that there are such.
    """
    old = _old_values(view)
    if not old:
        return
    for call in calls_in(view.definition.body):
        if not _SETS.fullmatch(called(call)) or len(call.args) < 4:
            continue
        made = frozenset(_made_of(view, call.args[3], set(), 0))
        lost = tuple(name for name, helper in BITS if not any(map(helper.fullmatch, made)))
        if lost and any(map(_BUILT.fullmatch, made)):
            yield Replacement(call.pos, called(call), old[0], lost)


def _old_values(view: View) -> list[str]:
    params = [one.name for one in view.params if one.name and one.type == TypedefName("pte_t")]
    asked = {
        one.name
        for call in calls_in(view.definition.body)
        if _KNOWN.fullmatch(called(call))
        for one in map(plain, call.args)
        if isinstance(one, Name)
    }
    return [name for name in params if name in asked]


def _made_of(view: View, expr: Expr, seen: set[str], depth: int) -> Iterator[str]:
    """Yield the helpers that the value of *expr* went through, the one that built it included."""
    bare = plain(expr)
    if depth > MAX_DEPTH:
        return
    if isinstance(bare, Name) and bare.name not in seen:
        seen.add(bare.name)
        for step in writes(view, bare.name):
            if step.value is not None:
                yield from _made_of(view, step.value, seen, depth + 1)
    elif isinstance(bare, Call):
        yield called(bare)
        if bare.args and _SETTER.fullmatch(called(bare)):
            yield from _made_of(view, bare.args[0], seen, depth + 1)
