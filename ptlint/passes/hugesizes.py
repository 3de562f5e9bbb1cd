"""Sizes of hugetlb entries that are guessed: from an entry that may not be present, or from one size for all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.ast import BuiltinType, Call, Expr, Name, Param, Pos, TypedefName, Unary
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Step, Written
from ptlint.passes.origins import writes
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, calls_in, plain, truth, walk

_OF_HUGE = re.compile(r"(__)?(set_)?huge_\w+|\w*hugetlb\w*")
_SIZE = re.compile(r"sz|size|psize|pgsize|hugepage_size")
_READS = re.compile(r"(__)?(huge_)?ptep_get(_lockless)?")
_TELLS = re.compile(r"pte_(cont|napot|huge|leaf_size)|napot_(cont_order|pte_num)|pte_page_size")
_PRESENT = re.compile(r"pte_(present|valid)")
_BEHIND = re.compile(r"(softleaf|swp_entry|hugetlb_swap_entry|pfn_swap_entry)_to_folio|pfn_swap_entry_folio")
_MEASURES = re.compile(r"folio_(size|nr_pages|order|shift)")
_TAKES_SIZE = re.compile(r"set_huge_pte_at|huge_ptep_get_and_clear|huge_pte_(clear|alloc|offset)|hugetlb_walk")
_ONE_SIZE = re.compile(r"HPAGE_(PMD_)?(SIZE|SHIFT|ORDER|NR)|PAGE_SIZE")
_GENERIC = re.compile(r"(mm|fs|kernel|include/linux|include/asm-generic)/")


@dataclass(frozen=True, slots=True)
class GuessedSize:
    """``kind``: ``entry`` (asked of an entry not known to be present), ``folio`` (of what a swap entry points to) or
    ``constant`` (one size for all); ``what`` is the helper or the constant.
    """

    kind: str
    pos: Pos
    what: str
    variable: str = ""


def guessed_sizes(view: View) -> tuple[GuessedSize, ...]:
    """Return where *view*, which has the size at hand, guesses that of a hugetlb entry, in text order."""
    found = [*_constants(view)]
    if _OF_HUGE.fullmatch(view.name) and any(map(_is_size, view.params)):
        found += [*_entries(view), *_folios(view)]
    return tuple(sorted(found, key=lambda one: (one.pos.line, one.pos.column)))


def _is_size(param: Param) -> bool:
    is_number = isinstance(param.type, BuiltinType | TypedefName)
    return param.name is not None and _SIZE.fullmatch(param.name) is not None and is_number


@dataclass
class _Walk:
    """Keeps which variables are known to be present."""

    read: frozenset[str]
    found: dict[str, GuessedSize] = field(default_factory=dict)

    def start(self) -> frozenset[str]:
        return frozenset()

    def step(self, state: frozenset[str], number: int, step: Step, facts: Facts) -> frozenset[str] | None:
        if isinstance(step, Evaluated) and _TELLS.fullmatch(called(step.call)) and step.call.args:
            name = _variable(step.call.args[0])
            if name in self.read - state:
                guess = GuessedSize("entry", step.call.pos, called(step.call), name)
                self.found.setdefault(name, guess)
        elif isinstance(step, Written):
            return state - {_variable(step.target)}
        return state

    def edge(self, state: frozenset[str], edge: Edge, facts: Facts) -> frozenset[str] | None:
        if edge.cond is not None:
            bare, wanted = truth(edge.cond)
            if _PRESENT.fullmatch(called(bare)) and isinstance(bare, Call) and bare.args and wanted == edge.holds:
                return state | {_variable(bare.args[0])}
        return state


def _variable(expr: Expr) -> str:
    bare = plain(expr)
    return bare.name if isinstance(bare, Name) else ""


def _entries(view: View) -> Iterator[GuessedSize]:
    read = frozenset(_read_from_entries(view)) | {
        one.name for one in view.params if one.name and one.type == TypedefName("pte_t")
    }
    if view.graph is None or not read:
        return
    walk_ = _Walk(read)
    explore(view.graph, walk_)
    yield from walk_.found.values()


def _read_from_entries(view: View) -> Iterator[str]:
    """Yield the local variables that only ever hold what was read from an entry."""
    for name in {node.name for node in walk(view.definition.body) if isinstance(node, Name)}:
        steps = writes(view, name) if name not in view.param_names else ()
        values = [plain(step.value) for step in steps if step.value is not None]
        if values and all(
            _READS.fullmatch(called(one)) or (isinstance(one, Unary) and one.op == "*") for one in values
        ):
            yield name


def _folios(view: View) -> Iterator[GuessedSize]:
    for call in calls_in(view.definition.body):
        arg = plain(call.args[0]) if call.args and _MEASURES.fullmatch(called(call)) else None
        steps = writes(view, arg.name) if isinstance(arg, Name) else ()
        values = [plain(step.value) for step in steps if step.value is not None]
        if any(_BEHIND.fullmatch(called(one)) for one in (*values, arg)):
            yield GuessedSize("folio", call.pos, called(call))


def _constants(view: View) -> Iterator[GuessedSize]:
    if not _GENERIC.match(view.path) or view.path.endswith("debug_vm_pgtable.c"):
        return
    for call in calls_in(view.definition.body):
        if _TAKES_SIZE.fullmatch(called(call)) and call.args:
            macro = _macro_of(call)
            if macro:
                yield GuessedSize("constant", call.pos, macro)


def _macro_of(call: Call) -> str:
    for node in walk(call.args[-1]):
        name = getattr(getattr(node, "pos", None), "macro", "") or (node.name if isinstance(node, Name) else "")
        if _ONE_SIZE.fullmatch(name):
            return name
    return ""
