"""Laws of what generic code asks of entries before it flushes, or before it takes their pages.

``pte_needs_flush()``: a change after which a TLB may allow more than the entry does is one to flush.
``pte_accessible()``: what the hardware lets through, or did until it was made old, may be in a TLB.
``pte_access_permitted()``: GUP-fast takes no page that a process could not use itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.algebra.entries import Bench, Lanes, Raw
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.states import named
from ptlint.sim.algebra.walker import has_walker, passes
from ptlint.sim.algebra.world import World
from ptlint.sim.convert import scalar
from ptlint.sim.frame import Value
from ptlint.sim.program import Program
from ptlint.sim.values import Mask

PROPERTY = "needs-flush"
NAMES = {"pte": "pte_needs_flush", "pmd": "huge_pmd_needs_flush"}


def pairs(world: World) -> int:
    """Return how many changes there are: from each state to each."""
    return len(world.states.weight) ** 2


def check(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield the changes that *name* does not call ones to flush, though the hardware used the entry for more before."""
    if not has_walker(world):
        return
    count, level = len(world.states.weight), world.level
    old, new = (np.ascontiguousarray(world.states.raw[which, 0]) for which in (base // count, base % count))
    other = np.ascontiguousarray(world.states.raw[base % count, 1 % world.states.used])
    young = named(world.program, level, ("mkyoung",))
    for after, is_other in ((new, False), (other, True)):
        flushes = _told(bench, name, old, after)
        kept = bench.applied(f"{young}(x)", after)  # that a page was used, a TLB need not be asked about
        wrong = passes(bench, world, "store", old) & ~passes(bench, world, "store", kept)
        wrong |= passes(bench, world, "load", old) & (is_other | ~passes(bench, world, "load", kept))
        detail = f"{name}() says no, and a TLB may go on using what the entry no longer allows"
        yield Broken(PROPERTY, wrong & ~flushes, detail, old, after, "true", base // count)


def _told(bench: Bench, name: str, old: Raw, new: Raw) -> Mask:
    text, type_ = f"!!{name}(x, y)", f"{bench.level.name}_t"
    bench.texts.add(text)
    value = bench.session.run(text, x=(type_, bench.entry(old)), y=(type_, bench.entry(new)))
    told: Mask = bench.session.lanes_of(scalar(value)) != 0
    return told


def check_accessible(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield the entries that may be in a TLB and that *name* says no process can use."""
    if not has_walker(world):
        return
    states, before = world.lanes[base], world.states.lanes()[base]
    young = before
    if world.program.mmu.get("accessed"):  # where software keeps it, an entry that is made old is flushed
        young = bench.applied(f"{named(world.program, world.level, ('mkyoung',))}(x)", before)
    mm: Value = bench.session.opaque("vma->vm_mm", "struct mm_struct")
    text = f"!!{name}(mm, x)"
    bench.texts.add(text)
    value = bench.session.run(text, mm=("struct mm_struct *", mm), x=(f"{world.level.name}_t", bench.entry(before)))
    told: Mask = bench.session.lanes_of(scalar(value)) != 0
    wrong = passes(bench, world, "load", young) & ~told
    detail = f"{name}() says no of an entry that may be in a TLB: it was used, and made old, without a flush"
    yield Broken(PROPERTY, wrong, detail, before, before, "true", states)


def check_permitted(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield the entries of mappings without access, and read-only ones, of which *name* lets pages be taken."""
    states, before = world.lanes[base], world.states.lanes()[base]
    closed = [at for at, one in enumerate(world.states.protections) if re.search(r"VM_NONE|PAGE_NONE", one.text)]
    for write in (0, 1):
        told = bench.number(f"!!{name}(x, {write})", before) != 0
        yield Broken(
            "agreement",
            told & np.isin(states, closed),
            f"{name}() lets the page of a mapping without access be taken",
            before,
            before,
            "false",
            states,
        )
        if write:
            wrong = told & ~bench.holds(world.predicates["write"], before)
            detail = f"{name}() lets the page of a read-only entry be written"
            yield Broken("agreement", wrong, detail, before, before, "false", states)


def is_own(program: Program, name: str) -> bool:
    """Return whether the architecture gives *name* itself."""
    macro, definition = program.universe.macro(name), program.definition(name)
    paths = [one for one in (macro and macro.path, definition and definition.pos.path) if one]
    return any(path.startswith("arch/") for path in paths)
