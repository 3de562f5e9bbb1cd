"""Laws of the predicates: they agree with each other, and none loses its answer on the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ptlint.csrc.ctypes import CFunction, CInt
from ptlint.sim.algebra.entries import Bench, Lanes, Raw
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.world import World, noise
from ptlint.sim.calls import run_lowered
from ptlint.sim.convert import scalar
from ptlint.sim.frame import Value
from ptlint.sim.primitives.registry import written
from ptlint.sim.program import Program
from ptlint.sim.types import is_bool
from ptlint.sim.values import Mask

AGREES = "agreement"
TRUNCATES = "truncation"

INT_SIZE = 4


def check_none(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield present entries that *name* takes for empty ones."""
    before, states = world.states.lanes()[base], world.lanes[base]
    wrong = bench.holds(name, before) & bench.holds(world.predicates["present"], before)
    yield Broken(AGREES, wrong, f"{name}() holds for a present entry", before, before, "not empty", states)


def check_same(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield entries that *name* tells from themselves, or takes for others that predicates tell from them."""
    table, type_ = world.states, f"{world.level.name}_t"
    before, states = table.lanes()[base], world.lanes[base]
    other = np.roll(np.arange(len(table.weight)), 1)
    column = base % table.used
    shifted = np.ascontiguousarray(table.raw[other[states], column])
    moved = np.ascontiguousarray(table.raw[states, (column + 1) % table.used])

    def same(left: Raw, right: Raw) -> Mask:
        text = f"!!{name}(x, y)"
        bench.texts.add(text)
        value = bench.session.run(text, x=(type_, bench.entry(left)), y=(type_, bench.entry(right)))
        result: Mask = bench.session.lanes_of(scalar(value)) != 0
        return result

    yield Broken(AGREES, ~same(before, before), f"{name}() tells an entry from itself", before, before, "same", states)
    told = {word: bench.holds(world.predicates[word], before) for word in world.live}
    pfn = bench.pfn(before)
    bits = np.uint64(1) << (np.arange(len(base), dtype=np.uint64) % np.uint64(8 * world.level.size))
    for right in (moved, shifted, before ^ bits):
        differs = pfn != bench.pfn(right)
        for word, holds in told.items():
            differs |= holds != bench.holds(world.predicates[word], right)
        detail = f"{name}() takes two different entries for the same"
        yield Broken(AGREES, differs & same(before, right), detail, before, right, "not the same", states)


SETTERS = ("set_pte", "set_ptes")
"""What sets one entry, and what sets a batch."""

_SET = "({ pte_t ptlint_set[8] = { __pte(0) }; %s; ptlint_set[2]; })"


def check_setting(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield entries that *name* stores otherwise than a batch of one: what one of them filters the other lets in."""
    before, states = world.states.lanes()[base], world.lanes[base]
    mixed = before ^ noise(world, len(before))
    mm: Value = bench.session.opaque("vma->vm_mm", "struct mm_struct")
    one, many = (
        call
        for call in (f"{SETTERS[0]}(&ptlint_set[2], x)", f"{SETTERS[1]}(mm, 0x7f0000003000UL, &ptlint_set[2], x, 1)")
    )
    for raw in (before, mixed):
        alone = bench.applied(_SET % one, raw)
        batch = bench.applied(_SET % many, raw, mm=("struct mm_struct *", mm))
        detail = f"{SETTERS[0]}() and {SETTERS[1]}() of one entry leave different entries"
        yield Broken(AGREES, alone != batch, detail, raw, alone, batch, states)


_NARROW = r"\b(?:int|unsigned|short|char|s32|u32|u16|u8)\s+(?:__\w+\s+)*"


def predicates(program: Program, world: World) -> Iterator[str]:
    """Yield the functions of one entry that return a C integer narrower than the entry: their truth may be cut off."""
    level = world.level
    if level.size <= INT_SIZE:
        return
    head = re.compile(rf"{_NARROW}({level.name}_\w+)\s*\(\s*{level.name}_t\s+\w+\s*\)\s*\{{")
    texts = [text.looked_at for text in program.universe.overrides.values()]
    texts += [
        instance.active_text() for instance in program.universe.unit.instances if level.name in instance.scan.text
    ]
    for name in sorted({match.group(1) for text in texts for match in head.finditer(text)}):
        definition = program.definition(name)
        if definition is not None and len(definition.type.params) == 1:
            resolved = program.resolve(definition.type)
            assert isinstance(resolved, CFunction)
            if isinstance(resolved.ret, CInt) and not is_bool(resolved.ret) and resolved.ret.size < level.size:
                yield name


def check_truncation(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield entries whose answer is lost in the type that the predicate *name* returns."""
    program, machine = world.program, bench.session.machine
    before, states = world.states.lanes()[base], world.lanes[base]
    definition = program.definition(name)
    assert definition is not None
    bits = np.uint64(1) << (np.arange(len(base), dtype=np.uint64) % np.uint64(8 * world.level.size))
    for raw in (before, before ^ bits):
        told = bench.holds(name, raw)
        whole_type = replace(definition.type, ret=written("unsigned long long"))
        wide = replace(definition, name=f"{name} (whole)", type=whole_type)
        value = run_lowered(machine, program.lowered(wide, machine), [bench.entry(raw)])
        whole = bench.session.lanes_of(scalar(value)) != 0
        detail = f"{name}() holds, but its result is false: the type that it returns cuts it off"
        yield Broken(TRUNCATES, whole & ~told, detail, raw, raw, "true", states)
