"""Laws of ``pte_modify()``: the new protection decides what may be done with the page, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.algebra import walker
from ptlint.sim.algebra.entries import Bench, Lanes, Raw
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.states import Protection
from ptlint.sim.algebra.vocabulary import WORDS
from ptlint.sim.algebra.world import World
from ptlint.sim.values import Mask

PROPERTY = "modify"

KEPT = ("dirty", "special", "soft_dirty", "uffd")
"""What belongs to the page and not to the protection of its mapping."""

GIVEN = ("write", "protnone", "exec", "present")
"""What the new protection alone decides."""


def check(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield what the modifier *name* breaks over the lanes *base*, for every new protection."""
    states, before = world.lanes[base], world.states.lanes()[base]
    fresh = _fresh(world, base)
    own = kept_bits(bench, world)
    foreign = np.random.default_rng(2).integers(0, 1 << 63, len(base)).astype(np.uint64) * np.uint64(2)
    before = before ^ (foreign & np.uint64(own))
    had = {word: bench.holds(world.predicates[word], before) for word in (*KEPT, "young") if word in world.live}
    pfn, leaf = bench.pfn(before), f"{world.level.name}_trans_huge"
    for number, protection in enumerate(world.states.protections):
        prot = ("unsigned long long", protection.value)
        after = bench.applied(f"{name}(x, __pgprot(prot))", before, prot=prot)
        told = _Change(world, protection, before, after, states)
        yield told.broken(pfn != bench.pfn(after), f"{name}() changes the page frame", "the same page frame")
        yield from _kept(bench, told, name, had, fresh[number])
        if bench.program.has(leaf):
            lost = bench.holds(leaf, before) & bench.holds(leaf, fresh[number]) & ~bench.holds(leaf, after)
            yield told.broken(lost, f"{name}() makes a huge page's entry one that leads to a table", "a huge page")
        yield from _given(bench, told, name, fresh[number], had)
        yield from _gates(bench, told, name, fresh[number], had)
        everywhere = np.ones(len(base), dtype=bool)
        made = fresh[number]
        yield from walker.check(bench, world, PROPERTY, name, everywhere, before, after, states, made)
        lost = ((before ^ after) & np.uint64(own)) != 0
        yield told.broken(lost, f"{name}() changes bits that are not the protection's", f"bits {own:#x} as before")


class _Change:
    """What one new protection makes of all entries."""

    def __init__(self, world: World, protection: Protection, before: Raw, after: Raw, states: Lanes) -> None:
        self.world, self.protection, self.before, self.after, self.states = world, protection, before, after, states

    def broken(self, mask: Mask, detail: str, expected: str) -> Broken:
        argument = (("newprot", self.protection.text),)
        return Broken(PROPERTY, mask, detail, self.before, self.after, expected, self.states, argument)


def kept_bits(bench: Bench, world: World) -> int:
    """Return the bits in memory that no predicate sees and that belong to the page, as the profile says."""
    known = world.program.universe.macro  # a tree without a macro has no such bits
    words = re.findall(r"[A-Za-z_]\w*", world.program.mmu.get("kept" if world.level.name == "pte" else "kept_huge", ""))
    text = " | ".join(word for word in words if known(word) is not None)
    return int(bench.made(f"__{world.level.name}({text})")[0]) if text else 0


def _fresh(world: World, base: Lanes) -> list[Raw]:
    """Return, for each protection, the entry of each lane's page frame as it is made with that protection."""
    columns = base % world.states.used
    return [np.ascontiguousarray(world.states.raw[number, columns]) for number in range(len(world.states.protections))]


def _kept(bench: Bench, told: _Change, name: str, had: dict[str, Mask], fresh: Raw) -> Iterator[Broken]:
    world = told.world
    for word, was in had.items():
        now = bench.holds(world.predicates[word], told.after)
        if word == "young":  # valid and accessed are one bit on some architectures: then the protection may clear it
            kept = bench.holds(world.predicates[word], fresh)
            was = was & kept if _decides_young(bench, world) else was
        else:
            gained = ~was & now & ~bench.holds(world.predicates[word], fresh)
            detail = f"{name}() makes an entry {WORDS[word]} that was not"
            yield told.broken(gained, detail, f"not {WORDS[word]}")
        yield told.broken(was & ~now, f"{name}() makes an entry that was {WORDS[word]} not {WORDS[word]}", WORDS[word])


def _decides_young(bench: Bench, world: World) -> bool:
    """Return whether fresh entries are young or not depending on their protection."""
    fresh = world.states.raw[world.states.weight == 0, 0]
    young = bench.holds(world.predicates["young"], np.resize(fresh, bench.session.machine.lanes))[: len(fresh)]
    return bool(young.any()) and not bool(young.all())


def _given(bench: Bench, told: _Change, name: str, fresh: Raw, had: dict[str, Mask]) -> Iterator[Broken]:
    world = told.world
    marked = had.get("uffd", np.zeros(len(fresh), dtype=bool))
    for word in GIVEN:
        if word not in world.live:
            continue
        wanted, now = bench.holds(world.predicates[word], fresh), bench.holds(world.predicates[word], told.after)
        wrong = now & ~wanted
        yield told.broken(wrong, f"{name}() makes an entry {WORDS[word]} unasked", f"not {WORDS[word]}")
        wrong = ~now & wanted & ~marked
        yield told.broken(wrong, f"{name}() does not make an entry {WORDS[word]} as asked", WORDS[word])


def _gates(bench: Bench, told: _Change, name: str, fresh: Raw, had: dict[str, Mask]) -> Iterator[Broken]:
    """What lets the hardware write through the entry is as in one that the setters make of the new protection.

    Predicates do not see it: an entry that software takes for dirty may still fault on each store.
    """
    world = told.world
    made = fresh
    for word, on, off in (("young", "mkyoung", "mkold"), ("dirty", "mkdirty", "mkclean")):
        holds = bench.holds(world.predicates[word], told.after)
        for setter, mask in ((on, holds), (off, ~holds)):
            if f"{world.level.name}_{setter}" in world.setters:
                made = np.where(mask, bench.applied(f"{world.level.name}_{setter}(x)", made), made)
    present = bench.holds(world.predicates["present"], told.after) & bench.holds(world.predicates["present"], fresh)
    marked = had.get("uffd", np.zeros(len(fresh), dtype=bool))
    differs = ((told.after ^ made) & np.uint64(world.gates)) != 0
    detail = f"{name}() leaves another access to the hardware than the setters give an entry of the new protection"
    yield told.broken(present & ~marked & differs, detail, "as the setters make it")
