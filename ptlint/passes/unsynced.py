"""Masks of changes to kernel page tables: a path that had one filled and ends without looking at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.ast import Call, Declaration, Name, PointerType, Pos, TypedefName, Unary
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Returned, Step, Tested
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, calls_in, names_in, plain, walk

MASK = "pgtbl_mod_mask"
"""The type of what says which levels of page tables have changed (include/linux/pgtable.h)."""

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Unsynced:
    """A path ends at ``pos``, and nobody has looked at ``mask``, which ``filler`` filled at ``filled``."""

    pos: Pos
    mask: str
    filled: Pos
    filler: str


@dataclass
class _Walk:
    graph: Graph
    mask: str
    found: dict[Pos, Unsynced] = field(default_factory=dict)
    is_looked_at: bool = False

    def start(self) -> int:
        return NOBODY

    def step(self, state: int, number: int, step: Step, facts: Facts) -> int | None:
        match step:
            case Evaluated(call=call) if any(_is_place(arg, self.mask) for arg in call.args):
                return number
            case Tested(cond=cond) if self.mask in names_in(cond):
                self.is_looked_at = True
                return NOBODY
            case Returned(pos=pos) if state != NOBODY:
                filling = self.graph.nodes[state].step
                assert isinstance(filling, Evaluated)
                self.found.setdefault(pos, Unsynced(pos, self.mask, filling.call.pos, called(filling.call)))
        return state

    def edge(self, state: int, edge: Edge, facts: Facts) -> int | None:
        return state


def _is_place(arg: object, name: str) -> bool:
    return (
        isinstance(arg, Unary)
        and arg.op == "&"
        and isinstance(inner := plain(arg.operand), Name)
        and inner.name == name
    )


def unsynced(view: View) -> Iterator[Unsynced]:
    """Yield the ways out of *view* on which a mask was filled and nobody looks at it, as others do."""
    declared = [one for node in walk(view.definition.body) if isinstance(node, Declaration) for one in node.declarators]
    for one in declared:
        if isinstance(one.type, TypedefName) and one.type.name == MASK and one.name and view.graph is not None:
            machine = _Walk(view.graph, one.name)
            explore(view.graph, machine)
            if machine.is_looked_at:
                yield from sorted(machine.found.values(), key=lambda found: (found.pos.line, found.pos.column))


_CHANGES = re.compile(r"set_pte(?:_at)?|set_ptes|pte_clear|ptep_get_and_clear\w*")
_TOLD = "PGTBL_PTE_MODIFIED"


def untold(view: View) -> Iterator[Call]:
    """Yield the first change that *view* makes to the last level of a table, where it gets a mask and never says so."""
    types = {one.name: one.type for one in view.params if one.name}
    masks = {name for name, type_ in types.items() if isinstance(type_, PointerType) and type_.to == TypedefName(MASK)}
    told = _TOLD in view.definition.macros or _TOLD in names_in(view.definition.body)
    calls = calls_in(view.definition.body) if masks and not told else ()
    changes = [call for call in calls if _CHANGES.fullmatch(called(call))]
    if changes and not any(masks & names_in(call.args) for call in calls):
        yield changes[0]


_POPULATES = re.compile(r"(?:pgd|p4d)_populate")


def unshared(view: View) -> Iterator[tuple[Call, str]]:
    """Yield where *view* links a table of the kernel at a level of which others have copies, and what tells them."""
    for call in calls_in(view.definition.body):
        name = called(call)
        if _POPULATES.fullmatch(name) and call.args and "init_mm" in names_in(call.args[0]):
            better = f"{name}_kernel"
            if call.pos.macro == better:
                continue
            if view.universe.in_file(view.path).macro(better) is not None or view.lookup(better) is not None:
                yield call, better
