"""Laws of the setters: each does what its name says, and nothing else that anyone can see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlint.sim.algebra import walker
from ptlint.sim.algebra.entries import Bench, Lanes, Raw
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.states import named
from ptlint.sim.algebra.vocabulary import ALWAYS, WORDS, Setter
from ptlint.sim.algebra.world import World, noise
from ptlint.sim.frame import Value
from ptlint.sim.values import Mask

PROPERTY = "setter"

WRITABLE_MAPPING = 0x3
"""``VM_READ | VM_WRITE`` of linux/mm.h: a plain writable mapping."""


def check(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield what *name* breaks over the lanes *base* of the world."""
    setter, states = world.setters[name], world.lanes[base]
    before = world.states.lanes()[base]
    usual = world.applies(setter, bench, before, states)
    after = _set(bench, setter, name, before)
    yield from _says(bench, world, name, setter, usual, before, after, states)
    yield from walker.check(bench, world, PROPERTY, name, usual, before, after, states)
    if "vma" not in setter.call:
        yield from _equations(bench, world, name, setter, usual, before, after, states)
        yield from _commutes(bench, world, name, usual, before, after, states)
        yield from _foreign(bench, world, name, usual, before, states)


def _set(bench: Bench, setter: Setter, name: str, raw: Raw) -> Raw:
    if "vma" not in setter.call:
        return bench.applied(f"{name}(x)", raw)
    vma: Value = bench.session.opaque("vma", "struct vm_area_struct")
    bench.session.run(f"vma->vm_flags = {WRITABLE_MAPPING}", vma=("struct vm_area_struct *", vma))
    return bench.applied(setter.call.format(name=name), raw, vma=("struct vm_area_struct *", vma))


def _says(
    bench: Bench, world: World, name: str, setter: Setter, usual: Mask, before: Raw, after: Raw, states: Lanes
) -> Iterator[Broken]:
    """What it is for holds afterwards; what it is not for is as it was. Setters of features that are not there rest."""
    if next(iter(setter.makes)) not in world.live | ALWAYS:
        return
    for word, predicate in world.predicates.items():
        wanted = setter.makes.get(word)
        if word not in world.live and (wanted is None or word not in ALWAYS):
            continue
        now = bench.holds(predicate, after)
        if wanted is not None:
            text = f"{name}() leaves an entry {_said(word, not wanted)}"
            yield Broken(PROPERTY, usual & (now != wanted), text, before, after, _said(word, wanted), states)
            continue
        was = bench.holds(predicate, before)
        for had in (True, False):
            wrong = usual & (was == had) & (now != had)
            text = f"{name}() makes an entry that was {_said(word, had)} {_said(word, not had)}"
            yield Broken(PROPERTY, wrong, text, before, after, _said(word, had), states)
    moved = usual & (bench.pfn(before) != bench.pfn(after))
    yield Broken(PROPERTY, moved, f"{name}() changes the page frame", before, after, "the same page frame", states)


def _said(word: str, holds: bool) -> str:
    return WORDS[word] if holds else f"not {WORDS[word]}"


def _equations(
    bench: Bench, world: World, name: str, setter: Setter, usual: Mask, before: Raw, after: Raw, states: Lanes
) -> Iterator[Broken]:
    """Twice is once, and undoing what another did gives the same as undoing nothing, in bits that no predicate sees."""
    twice = bench.applied(f"{name}(x)", after)
    detail = f"{name}() changes what it has already made"
    yield Broken(PROPERTY, usual & (twice != after), detail, after, twice, after, states)
    inverse = named(world.program, world.level, setter.inverse) if setter.inverse else ""
    if not inverse:
        return
    able = usual & world.applies(world.setters[inverse], bench, before, states)
    undone = bench.applied(f"{inverse}(x)", before)
    again = bench.applied(f"{name}(x)", undone)
    given = _permissions(world, setter) | _permissions(world, world.setters[inverse])
    unseen = np.uint64(~(world.seen | given) & _ALL)
    detail = f"{name}() does not undo what {inverse}() does"
    yield Broken(PROPERTY, able & (((again ^ after) & unseen) != 0), detail, undone, again, after, states)


def _commutes(
    bench: Bench, world: World, name: str, usual: Mask, before: Raw, after: Raw, states: Lanes
) -> Iterator[Broken]:
    """The order in which flags are set does not matter for what the hardware makes of the entry.

    Predicates are not asked: what each setter says of them holds in any order.
    """
    own = set(world.setters[name].makes)
    told = np.uint64((~world.seen | world.gates) & _ALL)
    for other, setter in world.setters.items():
        if own & set(setter.makes) or "vma" in setter.call:
            continue
        able = usual & world.applies(setter, bench, before, states)
        last = bench.applied(f"{other}(x)", after)
        first = bench.applied(f"{name}(x)", bench.applied(f"{other}(x)", before))
        detail = f"it matters whether {name}() comes before or after {other}()"
        yield Broken(PROPERTY, able & (((first ^ last) & told) != 0), detail, before, first, last, states)


def _foreign(bench: Bench, world: World, name: str, usual: Mask, before: Raw, states: Lanes) -> Iterator[Broken]:
    """Bits that no predicate asks for and no other setter changes stay: memory type, keys, software's own."""
    own = world.seen | _permissions(world, world.setters[name])
    for other, bits in world.changed.items():
        own |= bits if other != name else 0
    mixed = before ^ noise(world, len(before))
    after = bench.applied(f"{name}(x)", mixed)
    wrong = usual & (((mixed ^ after) & np.uint64(~own & _ALL)) != 0)
    detail = f"{name}() changes bits that are not its own"
    yield Broken(PROPERTY, wrong, detail, mixed, after, "those bits unchanged", states)


def _permissions(world: World, setter: Setter) -> int:
    """Return the bits of protections, where a setter of write access may see to them: none is write-only."""
    if "write" not in setter.makes:
        return 0
    fresh = world.states.raw[world.states.weight == 0, 0]
    return int(np.bitwise_or.reduce(fresh ^ fresh[0]))


_ALL = 0xFFFF_FFFF_FFFF_FFFF
