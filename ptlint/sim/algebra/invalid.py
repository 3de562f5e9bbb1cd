"""Laws of ``pmd_mkinvalid()``: the hardware no longer uses the entry, and the kernel takes it for what it was."""

from __future__ import annotations

from collections.abc import Iterator

from ptlint.sim.algebra.entries import Bench, Lanes
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.walker import has_walker, passes
from ptlint.sim.algebra.world import World

PROPERTY = "setter"


def check(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield the huge pages that *name* makes look absent, or that the hardware still uses.

    Code that reads such an entry without the lock, while it is split or changed, must not take it for an empty one or
    for a table (Documentation/mm/arch_pgtable_helpers.rst, mm/debug_vm_pgtable.c).
    """
    states, before = world.lanes[base], world.states.lanes()[base]
    after = bench.applied(f"{name}(x)", before)
    here = bench.holds(world.predicates["present"], before)
    for predicate, detail in (
        (world.predicates["present"], "no longer present"),
        (f"{world.level.name}_trans_huge", "no longer a huge page"),
    ):
        if world.program.has(predicate):
            lost = here & bench.holds(predicate, before) & ~bench.holds(predicate, after)
            told = f"{name}() makes an entry that is {detail}"
            yield Broken(PROPERTY, lost, told, before, after, "as it was", states)
    moved = here & (bench.pfn(before) != bench.pfn(after))
    yield Broken(PROPERTY, moved, f"{name}() changes the page frame", before, after, "the same page frame", states)
    if has_walker(world):
        used = passes(bench, world, "load", after) & here
        detail = f"{name}() leaves an entry that the hardware uses"
        yield Broken(PROPERTY, used, detail, before, after, "a fault", states)
