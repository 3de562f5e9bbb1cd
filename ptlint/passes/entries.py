"""Values read from page-table entries, on every path: which are stale, and which are known to be (not) present.

A value that was read (``ptep_get()``) is stale once the entry has been taken (``ptep_get_and_clear()``, a started
transaction): the hardware may have set accessed or dirty in between, and only the taken value has it. Whether a value
is present is known from the conditions on the path, also for a value that is read from the same entry again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ptlint.csrc.ast import Call, Expr, Name, Pos, Unary
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.origins import writes
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, calls_in, names_in, plain, text, truth

READS = re.compile(r"(huge_)?ptep_get(_lockless)?|p[mu]dp_get(_lockless)?")
TAKES = re.compile(
    r"(huge_)?ptep_(get_and_clear(_full)?|clear_flush|modify_prot_start)|modify_prot_start_ptes|"
    r"get_and_clear_(full_)?ptes|ptep_clear_flush_notify|"
    r"p[mu]dp_(huge_get_and_clear(_full)?|huge_clear_flush|invalidate(_ad)?|establish)"
)
SETS = re.compile(r"set_pte_at(_unchecked)?|set_ptes|set_huge_pte_at")
COMMITS = re.compile(r"(huge_)?ptep_modify_prot_commit|modify_prot_commit_ptes")
_BITS = re.compile(r"(huge_)?pte_(dirty|young)|p[mu]d_(dirty|young)")
_PRESENT_ONLY = re.compile(
    r"p(te|md|ud)_(soft_dirty|uffd|uffd_wp|dirty|young|write|wrprotect|modify|mk(soft_dirty|uffd|uffd_wp|dirty|clean|"
    r"young|old|write)|clear_(soft_dirty|uffd|uffd_wp))"
)
_PRESENT_THERE = re.compile(r"p(te|md|ud)p_(test_and_clear_young|clear_flush_young)\w*")
"""Helpers for present entries that are given where one is."""
_SWAP_ONLY = re.compile(r"p(te|md)_swp_(soft_dirty|uffd|uffd_wp|exclusive|mk\w+|clear_\w+)|pte_to_swp_entry")
_PTEP = {"modify_prot_start_ptes": 2}
_PRESENT = re.compile(r"p(te|md|ud)_present")
_ABSENT = re.compile(r"p(te|md|ud)_none|is_swap_pte|pmd_is_\w+_entry")
MAX_VALUES = 12
MAX_HELPERS = 2


@dataclass(frozen=True, slots=True, order=True)
class Value:
    """What variable ``name`` holds: the value of entry ``ptep`` (``""``: not read from one).

    ``present`` is what the path says of it, None when nothing. ``taken`` is the node that took the entry after the
    value was read, -1 when none did; ``dropped`` whether what it took was thrown away.
    """

    name: str
    ptep: str = ""
    present: bool | None = None
    taken: int = -1
    dropped: bool = False
    current: bool = True


@dataclass(frozen=True, slots=True)
class Misuse:
    """A use of a value that is wrong on some path.

    ``kind``: ``stale-set`` (a stale value is written back), ``stale-test`` (its accessed or dirty bit is asked for, and
    the taken value is dropped), ``not-present`` (a helper for present entries on one that is not), ``present`` (a
    helper for entries that are not present on one that is).
    """

    kind: str
    pos: Pos
    variable: str
    helper: str
    taken: Pos | None = None
    taker: str = ""


State = tuple[Value, ...]


@dataclass
class _Walk:
    view: View
    graph: Graph
    found: dict[tuple[str, Pos, str], Misuse] = field(default_factory=dict)

    def start(self) -> State:
        return ()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Evaluated):
            return self._called(state, number, step)
        if isinstance(step, Written):
            return _written(state, step, self.graph)
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        if edge.cond is None:
            return state
        bare, wanted = truth(edge.cond)
        holds = wanted == edge.holds
        name = called(bare)
        arg = plain(bare.args[0]) if isinstance(bare, Call) and len(bare.args) == 1 else None
        if not isinstance(arg, Name):
            return state
        if _PRESENT.fullmatch(name):
            return _marked(state, arg.name, holds)
        if _ABSENT.fullmatch(name) and holds:
            return _marked(state, arg.name, False)
        return state

    def _called(self, state: State, number: int, step: Evaluated) -> State:
        name, args = called(step.call), step.call.args
        self._helper(state, step.call, name)
        self._handed(state, step.call, name)
        if TAKES.fullmatch(name) and args:
            entry = text(args[_ptep_at(args)])
            return tuple(
                replace(one, taken=number, dropped=step.dropped, current=False)
                if one.ptep == entry and one.taken < 0 and one.current
                else one
                for one in state
            )
        if SETS.fullmatch(name) and len(args) > 3:
            self._set(state, step.call, text(args[2]), args[3])
        elif COMMITS.fullmatch(name) and len(args) > 4:
            self._set(state, step.call, text(args[2]), args[4])
        elif READS.fullmatch(name) or not args:
            return state
        touched = {text(arg) for arg in args}
        return tuple(replace(one, current=False) if one.ptep in touched else one for one in state)

    def _helper(self, state: State, call: Call, name: str) -> None:
        if _PRESENT_THERE.fullmatch(name) and len(call.args) > 2:
            entry = text(call.args[2])
            absent = [one for one in state if one.ptep == entry and one.current and one.present is False]
            for one in absent[:1]:
                self._note(Misuse("not-present", call.pos, one.name, name))
        arg = plain(call.args[0]) if len(call.args) >= 1 else None
        if not isinstance(arg, Name):
            return
        for one in state:
            if one.name != arg.name:
                continue
            if one.taken >= 0 and one.dropped and one.present is not False and _BITS.fullmatch(name):
                self._note(Misuse("stale-test", call.pos, one.name, name, *self._taker(one)))
            if one.present is False and _PRESENT_ONLY.fullmatch(name):
                self._note(Misuse("not-present", call.pos, one.name, name))
            if one.present is True and _SWAP_ONLY.fullmatch(name):
                self._note(Misuse("present", call.pos, one.name, name))

    def _handed(self, state: State, call: Call, name: str) -> None:
        """Note stale values that are handed to a helper which asks them for accessed or dirty."""
        for at, arg in enumerate(call.args):
            bare = plain(arg)
            for one in state if isinstance(bare, Name) else ():
                stale = one.taken >= 0 and one.dropped and one.present is not False
                if stale and one.name == text(bare) and _asks_bits(self.view, call, at, 0):
                    self._note(Misuse("stale-test", call.pos, one.name, name, *self._taker(one)))

    def _set(self, state: State, call: Call, entry: str, value: Expr) -> None:
        names = names_in(value)
        used = [one for one in state if one.name in names]
        if any(one.taken < 0 for one in used):
            return
        for one in used:
            if one.ptep == entry and one.present is not False:
                self._note(Misuse("stale-set", call.pos, one.name, called(call), *self._taker(one)))

    def _taker(self, one: Value) -> tuple[Pos, str]:
        step = self.graph.nodes[one.taken].step
        assert isinstance(step, Evaluated)
        return step.call.pos, called(step.call)

    def _note(self, misuse: Misuse) -> None:
        self.found.setdefault((misuse.kind, misuse.pos, misuse.variable), misuse)


def misuses_of(view: View) -> tuple[Misuse, ...]:
    """Return the wrong uses of entry values in *view*, in text order."""
    if view.graph is None:
        return ()
    if not any(one.fullmatch(name) for name in view.callees for one in (READS, TAKES, _SWAP_ONLY, _PRESENT)):
        return ()
    walk = _Walk(view, view.graph)
    explore(view.graph, walk)
    return tuple(sorted(walk.found.values(), key=lambda one: (one.pos.line, one.pos.column, one.kind)))


def _asks_bits(view: View, call: Call, at: int, depth: int) -> bool:
    """Return whether what *call* runs asks its argument *at* for accessed or dirty, itself or by a helper."""
    helper = view.lookup(called(call)) if depth < MAX_HELPERS else None
    if helper is None or at >= len(helper.param_names) or writes(helper, helper.param_names[at]):
        return False
    given = helper.param_names[at]
    for inner in calls_in(helper.definition.body):
        for number, arg in enumerate(inner.args):
            if text(plain(arg)) == given and (
                _BITS.fullmatch(called(inner)) or _asks_bits(helper, inner, number, depth + 1)
            ):
                return True
    return False


def _ptep_at(args: tuple[Expr, ...]) -> int:
    return min(2, len(args) - 1)


def _marked(state: State, name: str, present: bool) -> State:
    """Return *state* with what is known of variable *name*, and of others that hold the same entry unchanged."""
    own = next((one for one in state if one.name == name), None)
    if own is None:
        return tuple(sorted((*state, Value(name, present=present)))) if len(state) < MAX_VALUES else state
    return tuple(
        replace(one, present=present) if one is own or (own.ptep and _same(one, own)) else one for one in state
    )


def _same(one: Value, other: Value) -> bool:
    return one.ptep == other.ptep and one.current and other.current


def _written(state: State, step: Written, graph: Graph) -> State:
    target = plain(step.target)
    if not isinstance(target, Name):
        spelt = text(target)
        return tuple(one for one in state if not one.ptep.startswith(spelt))
    name = target.name
    value = None if step.value is None or step.op else plain(step.value)
    new = _value_of(state, name, value)
    word = re.compile(rf"\b{re.escape(name)}\b")
    kept = [one for one in state if one.name != name and not word.search(one.ptep)]
    if new is not None and len(kept) < MAX_VALUES:
        kept.append(new)
    return tuple(sorted(kept, key=lambda one: one.name))


def _value_of(state: State, name: str, value: Expr | None) -> Value | None:
    """Return what is known of the value that *name* gets, None when nothing is."""
    if isinstance(value, Name):
        source = next((one for one in state if one.name == value.name), None)
        return None if source is None else replace(source, name=name)
    if isinstance(value, Unary) and value.op == "*" and isinstance(plain(value.operand), Name):
        return _read_from(state, name, text(value.operand), is_read=True)
    if not isinstance(value, Call) or not value.args:
        return None
    helper = called(value)
    if READS.fullmatch(helper) or TAKES.fullmatch(helper):
        is_read = READS.fullmatch(helper) is not None
        at = len(value.args) - 1 if is_read and helper.startswith("huge") else _ptep_at(value.args)
        return _read_from(state, name, text(value.args[at]), is_read=is_read)
    if re.fullmatch(r"pte_(mk\w+|wrprotect|modify|clear_\w+|advance_pfn|next_pfn)", helper):
        first = plain(value.args[0])
        source = next((one for one in state if isinstance(first, Name) and one.name == first.name), None)
        return None if source is None else replace(source, name=name)
    return None


def _read_from(state: State, name: str, entry: str, *, is_read: bool) -> Value:
    """Return what a variable holds that gets what *entry* is, or was until it was taken."""
    fits = [one for one in state if one.ptep == entry and (one.current or not is_read) and _recent(one, is_read)]
    present = next((one.present for one in fits if one.present is not None), None)
    return Value(name, entry if is_read else "", present)


def _recent(one: Value, is_read: bool) -> bool:
    return is_read or one.taken >= 0 or one.current
