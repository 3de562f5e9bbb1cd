"""What a caller says by calling helpers: what it changes on purpose, whom it asks, which flags it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from ptlint.csrc.ast import Call, FunctionDef, Name, Pos
from ptlint.csrc.nodes import nodes
from ptlint.sim.blob import Blob
from ptlint.sim.frame import Value
from ptlint.sim.machine import Record
from ptlint.sim.program import Program
from ptlint.sim.properties.pairing import FLAGS, points
from ptlint.sim.roles import typedef_of
from ptlint.sim.session import Session
from ptlint.sim.stage import distance
from ptlint.sim.values import Mask, Unknown

_PURPOSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("write", re.compile(r"(?:p(?:te|md|ud)_)?(?:maybe_)?(?:p(?:te|md|ud)_)?mkwrite\w*")),
    ("modify", re.compile(r"p(?:te|md|ud)_modify")),
    ("clean", re.compile(r"p(?:te|md|ud)_mkclean|clear_young_dirty_ptes?")),
    ("old", re.compile(r"p(?:te|md|ud)_mkold|clear_young_dirty_ptes?|\w*(?:test_and_clear|clear_flush)_young\w*")),
    ("soft", re.compile(r"p(?:te|md|ud)_(?:swp_)?clear_soft_dirty")),
    ("uffd", re.compile(r"p(?:te|md|ud)_(?:swp_)?clear_uffd\w*")),
    ("protect", re.compile(r"p(?:te|md|ud)_wrprotect|(?:huge_)?p(?:te|md|ud)p_set_wrprotect|wrprotect_ptes")),
    ("set soft", re.compile(r"p(?:te|md|ud)_(?:swp_)?mksoft_dirty")),
    ("set uffd", re.compile(r"p(?:te|md|ud)_(?:swp_)?mkuffd")),
    ("drop", re.compile(r"clear(?:_full|_not_present_full)?_ptes|pte_clear(?:_not_present_full)?")),
)
"""What a setter does on purpose: property, names of setters. Where code calls one, it means the loss or the gain."""

_FOR_PRESENT = re.compile(
    r"(?:ptep_)?(?:test_and_clear|clear_flush)_young(?:_ptes)?(?:_notify)?|(?:ptep_set_)?wrprotect(?:_ptes)?|"
    r"(?:ptep_)?modify_prot_start(?:_ptes)?|clear_young_dirty_ptes|ptep_set_access_flags"
)
"""Helpers for present entries, by where these are (include/linux/pgtable.h)."""

_HEEDS = (
    ("uffd", re.compile(r"userfaultfd_(?:(?:pte_|huge_pmd_)?wp|protected)")),
    ("soft", re.compile(r"\w*soft_dirty_(?:wp|enabled)")),
)
"""Questions who watches a mapping (include/linux/userfaultfd_k.h, mm/internal.h)."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a call says: what it means to change, whom it asks, whether it asks for a flag, whether it is a helper for
    present entries.
    """

    purposes: tuple[str, ...]
    heeds: tuple[str, ...]
    asks: bool
    present: bool


def _said(program: Program, name: str) -> _Said | None:
    """Return what a call of *name* says, None for nothing: of most calls."""
    said = _Said(
        purposes(program, name),
        tuple(what for what, pattern in _HEEDS if pattern.fullmatch(name)),
        name in _flag_questions(program.level),
        name == "pte_pfn" or _FOR_PRESENT.fullmatch(name) is not None,
    )
    return said if said.purposes or said.heeds or said.asks or said.present else None


def purposes(program: Program, name: str) -> tuple[str, ...]:
    """Return what a call of *name* means to change. A function that macros give the name of a setter is that setter."""
    known: dict[str, tuple[str, ...]] | None = program.kept.get("purposes")
    if known is None:
        known = program.kept["purposes"] = {}
        for word in sorted(name for name in program.universe.unit.table if "pte" in name):
            what = _purposes_by_name(word)
            if what:
                known[program.universe.resolve_alias(word)] = what
    return _purposes_by_name(name) or known.get(name, ())


@cache
def _purposes_by_name(name: str) -> tuple[str, ...]:
    return tuple(what for what, pattern in _PURPOSES if pattern.fullmatch(name))


def is_for_the_rest(program: Program, name: str, path: str) -> bool:
    """Return whether a function, as *path* sees it, is given one entry and nothing else and takes flags of several
    kinds off it that entries which map no page have: off a copy, to look at the rest of it.
    """
    known: dict[tuple[str, str], bool] = program.kept.setdefault("for the rest", {})
    if (name, path) not in known:
        definition = program.definition(name, path)
        known[name, path] = definition is not None and _takes_all_off(definition)
    return known[name, path]


def _takes_all_off(definition: FunctionDef) -> bool:
    params = definition.type.params
    if len(params) != 1 or typedef_of(params[0]) not in ("pte_t", "pmd_t", "pud_t"):
        return False
    called = {
        node.function.name
        for node in nodes(definition.body)
        if isinstance(node, Call) and isinstance(node.function, Name) and "_swp_" in node.function.name
    }
    return len({what for name in called for what in _purposes_by_name(name)}) > 1


@cache
def _flag_questions(level: str) -> frozenset[str]:
    return frozenset(name.replace("pte", level) for name in (*FLAGS, "pte_uffd_wp"))


@dataclass(slots=True)
class Grants:
    """Notes in which lanes setters are called that change an entry on purpose, and, where some map no page, in which
    code of the file *path* asks for the page of such a one.
    """

    session: Session
    path: str
    mixed: bool
    calls: list[tuple[str, Mask, frozenset[str]]] = field(default_factory=list)
    heeds: dict[str, Mask] = field(default_factory=dict)
    flags: dict[tuple[str, Pos], Record | None] = field(default_factory=dict)
    looks: bool = False
    said: dict[str, _Said | None] = field(init=False)

    def __post_init__(self) -> None:
        self.said: dict[str, _Said | None] = self.session.program.kept.setdefault("said of pages", {})

    def __call__(self, called: str, _names: Sequence[str], values: list[Any]) -> None:
        if called not in self.said:
            self.said[called] = _said(self.session.program, called)
        said = self.said[called]
        if said is not None:
            self._note(called, said, values)

    def _note(self, called: str, said: _Said, values: list[Any]) -> None:
        machine = self.session.machine
        if self.mixed and said.present and self._is_asked_here():
            machine.note("misread", called, machine.mask & self._absent(called, values))
        for what in said.heeds:
            self.heeds[what] = self.heeds[what] | machine.mask if what in self.heeds else machine.mask.copy()
        if not self.mixed and not self.looks and said.asks and self._is_asked_here():
            self.looks = True  # which asks the same by itself
            self._ask_of_flag(called, values)
            self.looks = False
        if said.purposes and machine.stack and is_for_the_rest(self.session.program, machine.stack[-1][0], self.path):
            return
        for what in said.purposes:
            self.calls.append((what, machine.mask, frozenset(name for name, _ in machine.stack)))

    def _ask_of_flag(self, called: str, values: Sequence[Any]) -> None:
        """Note whether a question about a flag of an entry ever meets one that has it."""
        machine, stage = self.session.machine, self.session.machine.stage
        key = called, machine.pos
        if self.flags.get(key, key) is None or stage is None:
            return
        value = values[0] if values else None
        known = isinstance(value, (int, np.ndarray, Blob))
        if not known or bool(self._has(called, value)[machine.mask].any()):
            self.flags[key] = None
            return
        earlier = self.flags.get(key)
        mask = machine.mask if earlier is None else machine.mask | earlier.mask
        self.flags[key] = Record("void", mask, machine.pos, machine.function, called, {}, tuple(machine.stack))

    def _has(self, called: str, value: Value) -> Mask:
        """Return the lanes in which an entry has the flag that *called* asks for."""
        raw = self.session.raw(value)
        if self.session.program.level == "pte":
            return self.session.holds(called, raw)
        return self.session.holds(called.replace(self.session.program.level, "pte"), raw)

    def _absent(self, called: str, values: Sequence[Any]) -> Mask:
        """Return the lanes in which the entry that a helper is given, or given the place of, is not present."""
        session, machine = self.session, self.session.machine
        nothing = np.zeros(machine.lanes, dtype=bool)
        if called == "pte_pfn":
            known = not isinstance(values[0], Unknown)
            return ~session.holds("pte_present", session.raw(values[0])) if known else nothing
        assert machine.stage is not None
        source, where = machine.stage.source, machine.stage.where
        pointer = next((v for v in values if points(v, source.table.base, source.table.blob.size, machine.mask)), None)
        if pointer is None:
            return nothing
        index = distance(pointer, source.table.base, machine.lanes) // where.size - where.first
        for at in range(where.nr):
            here = index == at
            if bool((here & machine.mask).any()):
                nothing |= here & ~session.holds("pte_present", source.entry(at))
        return nothing

    def _is_asked_here(self) -> bool:
        machine = self.session.machine
        return bool(machine.stack) and f"{self.path}:{machine.stack[-1][0]}" in machine.executed

    def lanes(self) -> dict[str, Mask]:
        """Return the lanes by purpose. What is taken away within a call that gets entries and writes none (it compares
        them) is taken from no entry.
        """
        log = self.session.machine.log
        writers = {name for record in log if record.kind == "write" for name, _ in record.stack}
        askers = {record.name for record in log if record.kind == "call"} - writers
        found: dict[str, Mask] = {}
        for what, mask, stack in self.calls:
            if what == "write" or not stack & askers:
                found[what] = found[what] | mask if what in found else mask.copy()
        return found
