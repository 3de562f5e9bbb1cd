"""Bytes and pages: which variables of a function are addresses, which are counts of entries, and where they mix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Assign, Binary, BuiltinType, Call, Declaration, Expr, Name, Pos
from ptlint.passes.functions import View
from ptlint.passes.graph import Written
from ptlint.passes.wording import called, calls_in, plain, text, walk

_ADDRESS = re.compile(r"(old_|new_|src_|dst_|fault_|h)?addr(ess)?")
_COUNT = re.compile(r"nr|nr_(ptes|pages|entries)|max_nr(_ptes)?")

_LOOKS_UP = re.compile(r"\w+_to_(shift|size|bytes|order)|\w*psize_\w*(shift|size)")
_OF_BYTES = re.compile(r"set_huge_pte_at|huge_ptep_get_and_clear|huge_pte_(clear|alloc|offset)|hugetlb_walk")

_ADDRESS_TYPES = frozenset({"unsigned long"})
_COUNT_TYPES = frozenset({"int", "unsigned int", "long", "unsigned long"})


@dataclass(frozen=True, slots=True)
class Mixture:
    """A sum of an address and a count (``sum``), a difference of addresses passed as a count (``count``), or the number
    of a page size that is passed as the size itself (``size``; ``right`` is what it is the number for).
    """

    kind: str
    pos: Pos
    left: str
    right: str
    helper: str = ""


def mixtures_of(view: View) -> tuple[Mixture, ...]:
    """Return where *view* takes pages for bytes or bytes for pages, in text order."""
    addresses, counts = _addresses(view), _counts(view)
    found = [*_sums(view, addresses, counts), *_differences(view, addresses)] if addresses else []
    found += _numbers(view)
    return tuple(sorted(found, key=lambda one: (one.pos.line, one.pos.column)))


def _params(view: View, pattern: re.Pattern[str]) -> frozenset[str]:
    return frozenset(
        one.name
        for one in view.params
        if one.name and isinstance(one.type, BuiltinType) and pattern.fullmatch(one.name)
    )


def _writes(view: View) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for node in view.graph.nodes if view.graph is not None else ():
        target = plain(node.step.target) if isinstance(node.step, Written) else None
        if isinstance(node.step, Written) and isinstance(target, Name):
            found.setdefault(target.name, []).append(node.step)
    return found


def _addresses(view: View) -> frozenset[str]:
    """Return the parameters that are addresses by name and type, and the locals that begin as one of them."""
    known = set(_params(view, _ADDRESS)) | _locals(view, _ADDRESS, _ADDRESS_TYPES)
    for name, steps in _writes(view).items():
        first = [plain(step.value) for step in steps if step.value is not None and not step.op]
        if first and name not in view.param_names and all(_is_address(value, known) for value in first):
            known.add(name)
    return frozenset(known)


def _locals(view: View, names: re.Pattern[str], types: frozenset[str]) -> set[str]:
    """Return the local variables that are addresses or counts by name and type."""
    declared = (node for node in walk(view.definition.body) if isinstance(node, Declaration))
    return {
        one.name
        for node in declared
        for one in node.declarators
        if isinstance(one.type, BuiltinType) and one.type.name in types and names.fullmatch(one.name)
    }


def _is_address(value: Expr, known: set[str]) -> bool:
    """Return whether *value* is an address: one that is known, masked, or moved."""
    if isinstance(value, Name):
        return value.name in known
    if isinstance(value, Binary) and value.op in ("+", "&"):
        return _is_address(plain(value.left), known)
    return False


def _counts(view: View) -> frozenset[str]:
    """Return the parameters that count entries, and the locals that batches or shifted differences are written to."""
    known = set(_params(view, _COUNT)) | _locals(view, _COUNT, _COUNT_TYPES)
    for name, steps in _writes(view).items():
        values = [plain(step.value) for step in steps if step.value is not None and not step.op]
        if name not in view.param_names and values and all("pte_batch" in called(value) for value in values):
            known.add(name)
    return frozenset(known)


def _sums(view: View, addresses: frozenset[str], counts: frozenset[str]) -> Iterator[Mixture]:
    for node in walk(view.definition.body):
        if isinstance(node, Binary) and node.op in ("+", "-"):
            left, right = plain(node.left), plain(node.right)
        elif isinstance(node, Assign) and node.op in ("+", "-"):
            left, right = plain(node.target), plain(node.value)
        else:
            continue
        names = {one.name for one in (left, right) if isinstance(one, Name)}
        if names & addresses and names & counts:
            yield Mixture("sum", node.pos, text(left), text(right))


def _differences(view: View, addresses: frozenset[str]) -> Iterator[Mixture]:
    for call in (node for node in walk(view.definition.body) if isinstance(node, Call)):
        for at, arg in enumerate(call.args):
            bare = plain(arg)
            if not isinstance(bare, Binary) or bare.op != "-":
                continue
            names = {text(bare.left), text(bare.right)}
            if names <= addresses and _wants_count(view, called(call), at):
                yield Mixture("count", call.pos, text(bare.left), text(bare.right), called(call))


def _numbers(view: View) -> Iterator[Mixture]:
    """Yield where a variable whose shift or size is looked up is passed as a size in bytes itself."""
    numbers = {
        arg.name: called(call)
        for call in calls_in(view.definition.body)
        if _LOOKS_UP.fullmatch(called(call)) and len(call.args) == 1
        for arg in map(plain, call.args)
        if isinstance(arg, Name)
    }
    for call in calls_in(view.definition.body) if numbers else ():
        bare = plain(call.args[-1]) if call.args and _OF_BYTES.fullmatch(called(call)) else None
        if isinstance(bare, Name) and bare.name in numbers:
            yield Mixture("size", call.pos, bare.name, numbers[bare.name], called(call))


def _wants_count(view: View, helper: str, at: int) -> bool:
    callee = view.lookup(helper) if helper else None
    return callee is not None and at < len(callee.params) and callee.param_names[at] in _params(callee, _COUNT)
